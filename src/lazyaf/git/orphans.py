"""Commits that stand on no branch, looked at and made fit for one: what a runner left whose lease was
lost (R7). Which refs those are, and what becomes of them, is for the services to know."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

import pygit2

from lazyaf.git.reader import opened
from lazyaf.git.refs import iso, require_object_ids, subject
from lazyaf.git.storage import Storage


@dataclass(frozen=True, slots=True)
class Orphan:
    """A commit, and how many commits of its history another one has not."""

    sha: str
    commits: int
    subject: str
    committed_at: str


async def describe(storage: Storage, repo_id: str, sha: str, against: str) -> Orphan:
    """What ``sha`` has that ``against`` has not; full ids of commits."""
    require_object_ids(sha, against)
    async with storage.shared(repo_id) as path:
        return await asyncio.to_thread(_describe, path, sha, against)


def _describe(path: Path, sha: str, against: str) -> Orphan:
    with opened(path) as repository:
        commit = repository[sha].peel(pygit2.Commit)
        ahead, _ = repository.ahead_behind(sha, against)
        return Orphan(
            sha=sha,
            commits=ahead,
            subject=subject(commit),
            committed_at=iso(commit.commit_time),
        )


async def recommit(storage: Storage, repo_id: str, sha: str, message: str, *, onto: str) -> str:
    """The tree of ``sha`` as one plain commit on its first parent (a root: on ``onto``), or that
    parent where nothing differs.

    For a snapshot, whose other parents are there only to be kept. The caller holds `Storage.shared`
    until a ref points at the result.
    """
    require_object_ids(sha, onto)
    async with storage.shared(repo_id):
        listed = await storage.git(repo_id, ["rev-list", "--parents", "--max-count=1", sha])
        parent = [*listed.text.split()[1:], onto][0]
        trees = await storage.git(repo_id, ["rev-parse", f"{sha}^{{tree}}", f"{parent}^{{tree}}"])
        tree, parent_tree = trees.text.split()
        if tree == parent_tree:
            return parent
        made = await storage.git(
            repo_id, ["commit-tree", tree, "-p", parent, "-F", "-"], stdin=message.encode()
        )
    return made.text
