"""The history as pages of commits, in an order from which a graph can be drawn.

The order comes from `git rev-list --topo-order`, a child, since libgit2 would hold the interpreter
while it walks; the commits of one page are then read with pygit2.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pygit2

from lazyaf.domain.errors import BadRequest, NotFound
from lazyaf.git.reader import opened
from lazyaf.git.refs import HEADS, TAGS, iso, resolve, subject
from lazyaf.git.storage import Storage

MAX_TIPS: Final = 200
"""Branches from which a graph of all branches begins: the most recent ones."""


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit; ``refs`` are the full names of branches and tags that point at it."""

    sha: str
    parents: list[str]
    subject: str
    author_name: str
    author_email: str
    committed_at: str
    refs: list[str]


@dataclass(frozen=True, slots=True)
class CommitPage:
    """Children before parents, newest first; ``next_cursor`` is None on the last page."""

    items: list[Commit]
    next_cursor: str | None


async def commits(
    storage: Storage, repo_id: str, ref: str | None, cursor: str | None, limit: int
) -> CommitPage:
    """One page of the history of a ref, or of all branches when ``ref`` is None.

    A cursor carries the tips of the first page, so that pages fit together while branches move.
    Raises `NotFound` for a ref that is not there, `BadRequest` for a cursor that is not ours.
    """
    async with storage.shared(repo_id) as path:
        if cursor is not None:
            skip, tips = _decode(cursor)
            if not await asyncio.to_thread(_all_there, path, tips):
                raise BadRequest("The history that this cursor leads to is gone. Begin again.")
        else:
            skip, tips = 0, await _tips(storage, repo_id, ref)
        if not tips:
            return CommitPage([], None)
        listed = await storage.git(
            repo_id,
            ["rev-list", "--topo-order", "--stdin", f"--skip={skip}", f"--max-count={limit + 1}"],
            stdin="\n".join(tips).encode(),
        )
        shas = listed.text.split()
        items = await asyncio.to_thread(_read, path, shas[:limit])
    more = len(shas) > limit
    return CommitPage(items, _encode(skip + limit, tips) if more else None)


async def commits_beyond(
    storage: Storage, repo_id: str, sha: str, known: Iterable[str], limit: int
) -> list[Commit]:
    """The first of the commits that ``sha`` has and the histories of ``known`` have not, newest first.

    Full ids; those of ``known`` that are not here count for nothing.
    """
    script = "".join([f"{sha}\n", *(f"^{one}\n" for one in known)])
    words = ["rev-list", "--topo-order", "--ignore-missing", f"--max-count={limit}", "--stdin"]
    async with storage.shared(repo_id) as path:
        listed = await storage.git(repo_id, words, stdin=script.encode())
        return await asyncio.to_thread(_read, path, listed.text.split())


async def count_beyond(storage: Storage, repo_id: str, sha: str, known: Iterable[str]) -> int:
    """How many commits those of `commits_beyond` are."""
    script = "".join([f"{sha}\n", *(f"^{one}\n" for one in known)])
    words = ["rev-list", "--count", "--ignore-missing", "--stdin"]
    async with storage.shared(repo_id):
        return int((await storage.git(repo_id, words, stdin=script.encode())).text)


async def _tips(storage: Storage, repo_id: str, ref: str | None) -> list[str]:
    if ref is not None:
        tip = await resolve(storage, repo_id, ref)
        if tip is None:
            raise NotFound(f"There is no branch, tag or commit “{ref}”.")
        return [tip]
    listed = await storage.git(
        repo_id,
        ["for-each-ref", "--sort=-committerdate", f"--count={MAX_TIPS}",
         "--format=%(objectname)", HEADS],
    )  # fmt: skip
    return sorted(set(listed.text.split()))


def _encode(skip: int, tips: list[str]) -> str:
    packed = skip.to_bytes(4, "big") + b"".join(bytes.fromhex(tip) for tip in tips)
    return base64.urlsafe_b64encode(packed).decode("ascii").rstrip("=")


def _decode(cursor: str) -> tuple[int, list[str]]:
    try:
        packed = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except (binascii.Error, ValueError):
        packed = b""
    ids = packed[4:]
    if not ids or len(ids) % 20 or len(ids) > 20 * MAX_TIPS:
        raise BadRequest("This cursor is not one of ours. Begin again without it.")
    tips = [ids[at : at + 20].hex() for at in range(0, len(ids), 20)]
    return int.from_bytes(packed[:4], "big"), tips


def _all_there(path: Path, tips: list[str]) -> bool:
    """A cursor may outlive its branch, and pruning what only that had."""
    with opened(path) as repository:
        return all(isinstance(repository.get(tip), pygit2.Commit) for tip in tips)


def _read(path: Path, shas: list[str]) -> list[Commit]:
    with opened(path) as repository:
        names = _names(repository)
        return [_commit(repository[sha].peel(pygit2.Commit), names.get(sha, [])) for sha in shas]


def _names(repository: pygit2.Repository) -> dict[str, list[str]]:
    names: defaultdict[str, list[str]] = defaultdict(list)
    for reference in repository.references.iterator():
        name = reference.raw_name.decode(errors="replace")
        if name.startswith((HEADS, TAGS)):
            with suppress(pygit2.GitError, KeyError):  # a symbolic ref to a deleted branch
                names[str(reference.peel(None).id)].append(name)
    return {sha: sorted(found) for sha, found in names.items()}


def _commit(commit: pygit2.Commit, refs: list[str]) -> Commit:
    return Commit(
        sha=str(commit.id),
        parents=[str(parent) for parent in commit.parent_ids],
        subject=subject(commit),
        author_name=commit.author.raw_name.decode(errors="replace"),
        author_email=commit.author.raw_email.decode(errors="replace"),
        committed_at=iso(commit.commit_time),
        refs=refs,
    )
