"""What was done to a branch between two of its heads, also where its base came in or it was rebased between.

The plain difference of the two heads would show what the base brought, too. So the earlier head's change is
first carried onto the base that the later head has, by a merge in a throwaway object directory; what the
later head differs from that is what was done. It is what `git range-diff` is about, as one diff. Nothing here
moves a ref or leaves an object behind.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import pygit2

from lazyaf.domain.errors import NotFound
from lazyaf.git import command
from lazyaf.git.diff import PAGE_FILES, Diff, compare
from lazyaf.git.merge import merge_tree, objects_aside, tree_of, write_attributes
from lazyaf.git.reader import PairCache, opened
from lazyaf.git.refs import require_object_ids, resolve
from lazyaf.git.storage import Storage


class Carried(StrEnum):
    """How the earlier head was brought to where the later one can be compared with it. Closed."""

    DIRECT = "direct"
    """Both left the base at the same commit: they are compared as they are."""
    MERGED = "merged"
    """The earlier change was carried onto the later base, without a conflict."""
    CONFLICTED = "conflicted"
    """So it was, with conflicts: in their files the lines before are what git left, marks and all."""
    UNRELATED = "unrelated"
    """They have no common history with the base, and are compared as they are."""


@dataclass(frozen=True, slots=True)
class Interdiff:
    """``diff`` has the two heads as its ends. ``files`` are those in conflict."""

    diff: Diff
    carried: Carried
    files: list[str]


_merge_bases: PairCache[str] = PairCache(4_096)


async def interdiff(
    storage: Storage,
    repo_id: str,
    base: str,
    before: str,
    after: str,
    *,
    path: str | None = None,
    skip: int = 0,
    limit: int = PAGE_FILES,
) -> Interdiff:
    """What ``after`` changes of what ``before`` had made of the base, of which ``base`` is a tip; full ids.
    ``path``, ``skip`` and ``limit`` are those of `lazyaf.git.diff.diff`. Raises `NotFound` for a commit that
    is not there any more."""
    require_object_ids(base, before, after)
    async with storage.shared(repo_id) as folder:
        for sha in (base, before, after):
            if await resolve(storage, repo_id, sha) is None:
                raise NotFound(f"The commit {sha} is not in the repository any more.")
        left = [await asyncio.to_thread(_merge_base, folder, base, sha) for sha in (before, after)]
        if left[0] == left[1] or not all(left):
            found = await compare(
                storage, repo_id, before, after, path=path, skip=skip, limit=limit
            )
            return Interdiff(found, Carried.DIRECT if all(left) else Carried.UNRELATED, [])
        async with storage.scratch() as aside:
            onto = _Ground(storage, repo_id, objects_aside(aside, folder), aside)
            tree, conflicts = await onto.carried(before, left[0], left[1])
            found = await compare(
                storage, repo_id, tree, after, path=path, skip=skip, limit=limit, aside=onto.env
            )
    diff = Diff(before, after, found.total, found.files, found.rest)
    return Interdiff(diff, Carried.CONFLICTED if conflicts else Carried.MERGED, conflicts)


async def base_moved(storage: Storage, repo_id: str, base: str, before: str, after: str) -> bool:
    """Whether the two left the base at different commits: it was merged in between, or they were rebased.
    Full ids; False where one of them is not there any more."""
    require_object_ids(base, before, after)
    async with storage.shared(repo_id) as folder:
        try:
            found = [await asyncio.to_thread(_merge_base, folder, base, s) for s in (before, after)]
        except NotFound:
            return False
    return found[0] != found[1]


async def merge_base(storage: Storage, repo_id: str, one: str, other: str) -> str | None:
    """Where the histories of two commits part; None where they have nothing in common. Full ids of commits
    that are there."""
    require_object_ids(one, other)
    async with storage.shared(repo_id) as folder:
        return await asyncio.to_thread(_merge_base, folder, one, other) or None


def _merge_base(folder: Path, base: str, sha: str) -> str:
    """Empty where there is none."""
    known = _merge_bases.get(base, sha)
    if known is not None:
        return known
    with opened(folder) as repository:
        try:
            found = _fork(repository, base, sha)
        except pygit2.GitError:
            raise NotFound(f"{base} or {sha} is not in the repository any more.") from None
    return _merge_bases.put(base, sha, "" if found is None else str(found))


def _fork(repository: pygit2.Repository, base: str, sha: str) -> pygit2.Oid | None:
    return repository.merge_base(pygit2.Oid(hex=base), pygit2.Oid(hex=sha))


@dataclass(frozen=True, slots=True)
class _Ground:
    """A repository, and where objects go that nobody shall keep."""

    storage: Storage
    repo_id: str
    env: dict[str, str]
    folder: Path

    async def carried(self, head: str, base: str, onto: str) -> tuple[str, list[str]]:
        """The tree of what ``head`` changes since ``base`` upon ``onto``, and the paths in conflict."""
        # A commit with the tree of the new base on top of the old one: so that one is the merge base,
        # whatever the history between them is.
        tree = await tree_of(self.storage, self.repo_id, onto)
        made = await self.storage.git(
            self.repo_id,
            ["commit-tree", tree, "-p", base, "-m", "base"],
            env=command.child_env(self.env),
        )
        attributes = await write_attributes(self.storage, self.repo_id, onto, self.folder)
        merged = await merge_tree(self.storage, self.repo_id, attributes, made.text, head, self.env)
        return merged.tree, [] if merged.clean else merged.files
