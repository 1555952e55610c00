"""Refs: what they point at, moving them by compare-and-set, and the list of branches.

Moves are one `update-ref --stdin` transaction, which races safely with pushes. Reading is pygit2
in a thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pygit2
from pygit2.enums import ReferenceFilter, ReferenceType

from lazyaf.domain.errors import BranchMoved, Conflict, GitFailed, Invalid, Unavailable
from lazyaf.git.pktline import is_object_id
from lazyaf.git.reader import PairCache, opened
from lazyaf.git.storage import Storage
from lazyaf.git.together import Together

HEADS: Final = "refs/heads/"
TAGS: Final = "refs/tags/"

# git's words (LANG is C) for "the ref is not where you said".
_MOVED: Final = (
    "but expected",
    "reference already exists",
    "unable to resolve reference",
    "reference is missing",
)

_distances: PairCache[tuple[int, int]] = PairCache(20_000)


@dataclass(frozen=True, slots=True)
class RefUpdate:
    """Move ``ref`` to ``new`` (None deletes it) if it is at ``old``.

    ``old`` None does not look, `ZERO` means that the ref must not exist yet. The same id twice
    only verifies.
    """

    ref: str
    new: str | None
    old: str | None


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch and its tip. ``ahead`` and ``behind`` count commits against the default branch;
    ``merged`` says that the default branch has all of it (never of the default branch itself)."""

    name: str
    sha: str
    ahead: int
    behind: int
    subject: str
    author: str
    committed_at: str
    merged: bool


async def resolve(storage: Storage, repo_id: str, ref_or_sha: str) -> str | None:
    """The commit that a full id, ``HEAD``, a full ref, a branch or a tag names; None when there is
    none. No revision expressions."""
    async with storage.shared(repo_id) as path:
        return await asyncio.to_thread(_resolve, path, ref_or_sha)


async def tips(storage: Storage, repo_id: str, names: Iterable[str]) -> dict[str, str]:
    """The commits at these full refs, in one look; a ref that is not there is left out."""
    return await _looks.find((storage, repo_id), names)


async def _look_for(place: tuple[Storage, str], names: frozenset[str]) -> dict[str, str]:
    storage, repo_id = place
    async with storage.shared(repo_id) as path:
        return await asyncio.to_thread(_tips, path, names)


_looks = Together(_look_for)


def _tips(path: Path, names: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    with opened(path) as repository:
        for name in names:
            with suppress(pygit2.GitError, ValueError, KeyError):  # an invalid name
                tip = _tip(repository.references.get(name))
                if tip is not None:
                    found[name] = tip
    return found


def _tip(reference: pygit2.Reference | None) -> str | None:
    """The commit at a ref. That of a branch is not looked up: git lets a branch be at nothing else."""
    if (
        reference is not None
        and reference.type == ReferenceType.DIRECT
        and reference.name.startswith(HEADS)
    ):
        return str(reference.target)
    return _commit_id(reference)


def _resolve(path: Path, name: str) -> str | None:
    with opened(path) as repository:
        if is_object_id(name):
            found = repository.get(name)
            return _commit_id(found)
        exact = [name] if name == "HEAD" or name.startswith("refs/") else []
        for candidate in (*exact, HEADS + name, TAGS + name):
            try:
                reference = repository.references.get(candidate)
                if reference is not None:
                    return _commit_id(reference)
            except (pygit2.GitError, ValueError, KeyError):  # an invalid name or an unborn HEAD
                continue
    return None


def _commit_id(found: pygit2.Object | pygit2.Reference | None) -> str | None:
    try:
        return None if found is None else str(found.peel(pygit2.Commit).id)
    except (pygit2.GitError, ValueError):  # a blob or a tree
        return None


async def update(storage: Storage, repo_id: str, updates: Sequence[RefUpdate]) -> None:
    """Move all refs or none.

    Raises `BranchMoved` when one is not where it was seen, `Conflict` when a name is blocked by
    another (``a`` and ``a/b``), `Unavailable` when a lock stays held.
    """
    script = b"".join(_instruction(update) for update in updates)
    async with storage.shared(repo_id):
        try:
            await storage.git(
                repo_id,
                ["-c", "core.filesRefLockTimeout=2000", "update-ref", "--stdin", "-z"],
                stdin=script,
            )
        except GitFailed as failed:
            raise _explained(failed) from failed


def _instruction(update: RefUpdate) -> bytes:
    shas = [sha for sha in (update.new, update.old) if sha is not None]
    if not update.ref.startswith("refs/") or "\0" in update.ref:
        raise Invalid(f"“{update.ref}” is not the full name of a ref.")
    require_object_ids(*shas)
    ref = update.ref.encode(errors="surrogateescape")
    old = (update.old or "").encode()
    if update.new is None:
        return b"delete %s\0%s\0" % (ref, old)
    return b"update %s\0%s\0%s\0" % (ref, str(update.new).encode(), old)


def _explained(failed: GitFailed) -> Exception:
    words = failed.detail
    if any(phrase in words for phrase in _MOVED):
        return BranchMoved("The branch moved meanwhile. Look at it again.")
    if "exists; cannot create" in words or "cannot process" in words:
        return Conflict(f"The name is blocked by another ref: {words}", code="ref_blocked")
    if ".lock': File exists" in words:
        return Unavailable("The ref is locked by another operation. Try again.")
    return failed


async def list_refs(storage: Storage, repo_id: str, prefix: str) -> dict[str, str]:
    """What each ref below ``prefix`` (which ends in a slash) points at."""
    async with storage.shared(repo_id):
        listed = await storage.git(
            repo_id, ["for-each-ref", "--format=%(objectname) %(refname)", prefix]
        )
    pairs = (line.partition(" ") for line in listed.text.splitlines())
    return {ref: sha for sha, _, ref in pairs}


async def parents(storage: Storage, repo_id: str, sha: str) -> list[str]:
    """The parents of a commit that is there, in order."""
    require_object_ids(sha)
    async with storage.shared(repo_id) as path:
        return await asyncio.to_thread(_parents, path, sha)


def _parents(path: Path, sha: str) -> list[str]:
    with opened(path) as repository:
        return [str(parent) for parent in repository[sha].peel(pygit2.Commit).parent_ids]


async def subject_of(storage: Storage, repo_id: str, sha: str) -> str:
    """The first line of the message of a commit that is there."""
    require_object_ids(sha)
    async with storage.shared(repo_id) as path:
        return await asyncio.to_thread(_subject_of, path, sha)


def _subject_of(path: Path, sha: str) -> str:
    with opened(path) as repository:
        return subject(repository[sha].peel(pygit2.Commit))


async def is_ancestor(storage: Storage, repo_id: str, ancestor: str, descendant: str) -> bool:
    """Whether the history of one commit has the other, or both are the same. Full ids.

    Raises `GitFailed` when one of them is no commit here.
    """
    require_object_ids(ancestor, descendant)
    async with storage.shared(repo_id) as path:
        return await asyncio.to_thread(_is_ancestor, path, ancestor, descendant)


def _is_ancestor(path: Path, ancestor: str, descendant: str) -> bool:
    with opened(path) as repository:
        for sha in (ancestor, descendant):
            if not isinstance(repository.get(sha), pygit2.Commit):
                raise GitFailed(f"{sha} is no commit of this repository.")
        return ancestor == descendant or repository.descendant_of(descendant, ancestor)


def blockers(prefix: str) -> list[str]:
    """The branches that must not be there for ``<prefix>/…`` to be one: git keeps refs as files (R16)."""
    parts = prefix.strip("/").split("/")
    return [HEADS + "/".join(parts[: depth + 1]) for depth in range(len(parts))]


async def distance(storage: Storage, repo_id: str, sha: str, base_sha: str) -> tuple[int, int]:
    """How many commits ``sha`` is ahead of and behind another; full ids of commits that are here,
    remembered."""
    require_object_ids(sha, base_sha)
    async with storage.shared(repo_id) as path:
        return await asyncio.to_thread(_measured, path, sha, base_sha)


def _measured(path: Path, sha: str, base_sha: str) -> tuple[int, int]:
    with opened(path) as repository:
        return _distance(repository, sha, base_sha)


async def behind(storage: Storage, repo_id: str, base_sha: str, head_sha: str) -> int:
    """How many commits of the base a head has not; full ids, remembered."""
    return (await distance(storage, repo_id, head_sha, base_sha))[1]


def _distance(repository: pygit2.Repository, sha: str, base: str) -> tuple[int, int]:
    """Commits ahead of and behind a base."""
    one, other = pygit2.Oid(hex=sha), pygit2.Oid(hex=base)
    return _distances.compute(sha, base, lambda: repository.ahead_behind(one, other))


async def list_branches(
    storage: Storage,
    repo_id: str,
    default_branch: str,
    *,
    after: str | None = None,
    limit: int | None = None,
) -> tuple[list[Branch], bool]:
    """Branches by name, those behind the name ``after``, at most ``limit``; whether there are more."""
    async with storage.shared(repo_id) as path:
        return await asyncio.to_thread(_branches, path, default_branch, after, limit)


def _branches(
    path: Path, default_branch: str, after: str | None, limit: int | None
) -> tuple[list[Branch], bool]:
    with opened(path) as repository:
        found = {
            reference.raw_shorthand.decode(errors="replace"): reference
            for reference in repository.references.iterator(ReferenceFilter.BRANCHES)
        }
        default = _commit(found.get(default_branch))
        names = sorted(name for name in found if after is None or name > after)
        # Only what is asked for is measured: that is what costs.
        tips = ((name, _commit(found[name])) for name in names[:limit])
        page = [
            _branch(repository, name, tip, default, is_default=name == default_branch)
            for name, tip in tips
            if tip is not None
        ]
    return page, limit is not None and len(names) > limit


def _commit(reference: pygit2.Reference | None) -> pygit2.Commit | None:
    """The commit at a ref; None where there is none, as for a symbolic ref to a deleted branch."""
    try:
        return None if reference is None else reference.peel(pygit2.Commit)
    except (pygit2.GitError, KeyError, ValueError):
        return None


def _branch(
    repository: pygit2.Repository,
    name: str,
    tip: pygit2.Commit,
    default: pygit2.Commit | None,
    *,
    is_default: bool,
) -> Branch:
    sha = str(tip.id)
    ahead = behind = 0
    if default is not None:
        ahead, behind = _distance(repository, sha, str(default.id))
    return Branch(
        name=name,
        sha=sha,
        ahead=ahead,
        behind=behind,
        subject=subject(tip),
        author=tip.author.raw_name.decode(errors="replace"),
        committed_at=iso(tip.commit_time),
        merged=default is not None and not is_default and ahead == 0,
    )


def require_object_ids(*texts: str) -> None:
    """Raise `Invalid` unless every text is a full object id."""
    if not all(is_object_id(text) for text in texts):
        raise Invalid("A commit is named by its full id of 40 hex digits.")


def subject(commit: pygit2.Commit) -> str:
    """The first line of the message, undecodable bytes made visible."""
    return commit.raw_message.decode(errors="replace").lstrip("\n").partition("\n")[0].strip()


def iso(seconds: int) -> str:
    """Seconds since the epoch as ISO 8601 UTC; what no calendar has is the epoch."""
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
    except (OverflowError, ValueError, OSError):
        return "1970-01-01T00:00:00Z"
