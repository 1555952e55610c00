"""Rebasing without a work tree: the commits of a branch, replayed one by one on another.

The result is `git rebase`'s: merges are left out, so are commits whose change the base has already
and those that become empty. Each commit keeps its message and its author line to the byte. Per
commit c, ``merge-tree`` merges c into a commit that has the tree reached so far and the parent of c
as its own parent, which makes that parent the merge base. All of it is written aside; only the
finished commits reach the store, in one pack. Nothing here moves a ref.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pygit2

from lazyaf.domain.errors import Conflict
from lazyaf.git import command
from lazyaf.git.merge import (
    Identity,
    identities,
    merge_tree,
    merged_tree,
    objects_aside,
    write_attributes,
)
from lazyaf.git.reader import opened
from lazyaf.git.refs import require_object_ids
from lazyaf.git.storage import Storage

MOST_COMMITS: Final = 500
"""Each takes about 15 ms, and someone waits."""

_LEFT_OUT: Final = (b"tree", b"parent", b"committer", b"gpgsig", b"gpgsig-sha256", b"mergetag")
"""Headers of a commit that its replay does not keep: others say them, or they would no longer hold."""


@dataclass(frozen=True, slots=True)
class _Original:
    """A commit to replay: its parent (None at a root), its tree and those of its own lines to keep."""

    sha: str
    parent: str | None
    tree: str
    parent_tree: str | None
    headers: bytes
    message: bytes


@dataclass(frozen=True, slots=True)
class _Desk:
    """Where the replaying goes on: which repository, with which attributes, writing where."""

    storage: Storage
    repo_id: str
    attributes: Path
    aside: dict[str, str]
    committer: str

    async def git(self, args: list[str], stdin: bytes | None = None) -> command.Completed:
        env = command.child_env(self.aside)
        return await self.storage.git(self.repo_id, args, env=env, stdin=stdin)


async def rebase(
    storage: Storage, repo_id: str, base_sha: str, head_sha: str, *, committer: Identity | None
) -> str:
    """Replay what ``head_sha`` has and ``base_sha`` has not; returns the last commit made.

    That is ``base_sha`` itself where nothing is left to replay. Full ids; the caller holds
    `Storage.shared` until a ref points at it. Raises `MergeConflict` when not even a merge is clean;
    `Conflict` ``rebase_conflict`` with the files of the first commit that does not apply, or
    ``rebase_differs`` when the outcome is not what a merge gives, which is what was reviewed.
    """
    require_object_ids(base_sha, head_sha)
    async with storage.shared(repo_id) as path:
        reviewed = await merged_tree(storage, repo_id, base_sha, head_sha)
        originals = await _originals(storage, repo_id, path, base_sha, head_sha)
        with storage.temporary() as folder:
            env = command.child_env(identities(None, committer))
            ident = await storage.git(repo_id, ["var", "GIT_COMMITTER_IDENT"], env=env)
            attributes = await write_attributes(storage, repo_id, base_sha, folder)
            aside = objects_aside(folder, path)
            desk = _Desk(storage, repo_id, attributes, aside, ident.text)
            tip, tree = base_sha, await _tree_of(desk, base_sha)
            for original in originals:
                tip, tree = await _replay(desk, original, tip, tree)
            if tree != reviewed:
                raise Conflict(
                    "Replaying the commits one by one gives something else than the merge that "
                    "was reviewed, as when a merge on the branch settled a conflict. Merge it instead, "
                    "or squash it.",
                    code="rebase_differs",
                )
            if tip != base_sha:
                await _keep(desk, tip, base_sha)
    return tip


async def _originals(
    storage: Storage, repo_id: str, path: Path, base_sha: str, head_sha: str
) -> list[_Original]:
    listed = await storage.git(
        repo_id,
        ["rev-list", "--reverse", "--topo-order", "--no-merges", "--right-only", "--cherry-pick",
         f"{base_sha}...{head_sha}"],
    )  # fmt: skip
    shas = listed.text.split()
    if len(shas) > MOST_COMMITS:
        raise Conflict(
            f"The branch has {len(shas)} commits, and {MOST_COMMITS} are replayed at most. Merge "
            "it instead, or squash it.",
            code="rebase_too_long",
        )
    return await asyncio.to_thread(_read, path, shas)


def _read(path: Path, shas: list[str]) -> list[_Original]:
    with opened(path) as repository:
        return [_original(repository, sha) for sha in shas]


def _original(repository: pygit2.Repository, sha: str) -> _Original:
    commit = repository[sha].peel(pygit2.Commit)
    headers, _, message = commit.read_raw().partition(b"\n\n")
    parent = commit.parents[0] if commit.parents else None
    return _Original(
        sha,
        None if parent is None else str(parent.id),
        str(commit.tree_id),
        None if parent is None else str(parent.tree_id),
        _kept(headers),
        message,
    )


def _kept(headers: bytes) -> bytes:
    """The author, the encoding and what else a commit says of itself, continuation lines included."""
    kept, keeping = [], False
    for line in headers.split(b"\n"):
        if not line.startswith(b" "):
            keeping = line.partition(b" ")[0] not in _LEFT_OUT
        if keeping:
            kept.append(line + b"\n")
    return b"".join(kept)


async def _replay(desk: _Desk, original: _Original, tip: str, tree: str) -> tuple[str, str]:
    """The new tip and its tree, unchanged where the commit brings nothing new."""
    parent, picked = original.parent, original.sha
    if parent is None:
        # A root has no parent that could be the merge base: both sides get an empty one.
        empty = (await desk.git(["hash-object", "-w", "-t", "tree", "--stdin"], b"")).text
        parent = await _throwaway(desk, empty, None)
        picked = await _throwaway(desk, original.tree, parent)
    ours = await _throwaway(desk, tree, parent)
    merged = await merge_tree(desk.storage, desk.repo_id, desk.attributes, ours, picked, desk.aside)
    if not merged.clean:
        raise Conflict(
            f"Commit {original.sha[:12]} does not apply on its own, so the branch cannot be rebased. "
            "Merge it instead, or squash it, or ask the agent to rebase it.",
            code="rebase_conflict",
            extra={"files": merged.files},
        )
    if merged.tree == tree and original.tree != original.parent_tree:
        return tip, tree
    text = (
        f"tree {merged.tree}\nparent {tip}\n".encode()
        + _with_committer(original.headers, desk.committer)
        + b"\n"
        + original.message
    )
    made = await desk.git(["hash-object", "-w", "-t", "commit", "--stdin"], text)
    return made.text, merged.tree


def _with_committer(headers: bytes, committer: str) -> bytes:
    """The committer's line belongs right after the author's."""
    author, _, rest = headers.partition(b"\n")
    return author + b"\ncommitter " + committer.encode() + b"\n" + rest


async def _throwaway(desk: _Desk, tree: str, parent: str | None) -> str:
    parents = [] if parent is None else ["-p", parent]
    return (await desk.git(["commit-tree", tree, *parents, "-m", "replay"])).text


async def _tree_of(desk: _Desk, commit: str) -> str:
    return (await desk.git(["rev-parse", "--verify", f"{commit}^{{tree}}"])).text


async def _keep(desk: _Desk, tip: str, base_sha: str) -> None:
    """Bring the finished commits into the store, and nothing of what they were made with."""
    wanted = f"{tip}\n^{base_sha}\n".encode()
    pack = await desk.git(["pack-objects", "--quiet", "--revs", "--stdout"], wanted)
    await desk.storage.git(desk.repo_id, ["unpack-objects", "-q"], stdin=pack.stdout)
