"""What which refs reach: the judge of whether a ref, or a runner's tree, may go without losing work."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from lazyaf.git.refs import HEADS, TAGS, require_object_ids
from lazyaf.git.storage import Storage

OWN: Final = (HEADS, TAGS, "refs/lazyaf/")
"""What is kept here; what was seen at a remote goes as soon as it is gone there."""


async def beyond(
    storage: Storage, repo_id: str, shas: Collection[str], prefixes: Sequence[str]
) -> dict[str, list[str]]:
    """Of the histories of these commits what no ref below ``prefixes`` reaches: commits with their
    parents. Full ids of commits that are there; raises `GitFailed` for others."""
    require_object_ids(*shas)
    if not shas:
        return {}
    async with storage.shared(repo_id):
        said = await storage.git(
            repo_id,
            ["rev-list", "--parents", "--stdin", "--not", *(f"--glob={p}" for p in prefixes)],
            stdin="".join(f"{sha}\n" for sha in sorted(set(shas))).encode(),
        )
    words = (line.split() for line in said.text.splitlines())
    return {commit: parents for commit, *parents in words}


async def reached(storage: Storage, repo_id: str, shas: Collection[str]) -> set[str]:
    """Those of these commits that some ref of `OWN` reaches. Full ids, of anything or of nothing."""
    require_object_ids(*shas)
    async with storage.shared(repo_id):
        said = await storage.git(
            repo_id,
            ["cat-file", "--batch-check=%(objectname) %(objecttype)"],
            stdin="".join(f"{sha}\n" for sha in sorted(set(shas))).encode(),
        )
        there = {line.split()[0] for line in said.text.splitlines() if line.endswith(" commit")}
        return there - set(await beyond(storage, repo_id, there, OWN))
