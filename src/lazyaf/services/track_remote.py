"""Remembers where the branches of a repository's remote were last seen: ``refs/remotes/origin/…``.

These refs are a memory, no work: nobody fetches or pushes them here, and what is gone at the remote goes.
They keep what was seen from being pruned, and so the distance to the remote can be told without asking it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import structlog

from lazyaf.domain.errors import BranchMoved, Conflict
from lazyaf.git import refs
from lazyaf.git.refs import RefUpdate
from lazyaf.services.context import Context

log = structlog.get_logger(__name__)

TRACKING: Final = "refs/remotes/origin/"


async def remember(ctx: Context, repo_id: str, seen: Mapping[str, str | None]) -> None:
    """These branches of the remote were seen at these commits, which are here; None: not there."""
    known = await tracked(ctx, repo_id, seen)
    await _move(ctx, repo_id, known, seen)


async def remember_all(ctx: Context, repo_id: str, seen: Mapping[str, str]) -> None:
    """`remember` of every branch that the remote has; what else was known is gone there."""
    listed = await refs.list_refs(ctx.git, repo_id, TRACKING)
    known = {ref.removeprefix(TRACKING): sha for ref, sha in listed.items()}
    gone: dict[str, str | None] = dict.fromkeys(known.keys() - seen.keys())
    await _move(ctx, repo_id, known, {**gone, **seen})


async def forget_remote(ctx: Context, repo_id: str) -> None:
    """What was seen was of another remote."""
    await remember_all(ctx, repo_id, {})


async def tracked(ctx: Context, repo_id: str, branches: Iterable[str]) -> dict[str, str]:
    """Where these branches of the remote were last seen; those that were not are left out."""
    found = await refs.tips(ctx.git, repo_id, [TRACKING + name for name in branches])
    return {ref.removeprefix(TRACKING): sha for ref, sha in found.items()}


async def remote_distances(
    ctx: Context, repo_id: str, branches: Mapping[str, str]
) -> dict[str, dict[str, Any]]:
    """By the names of these branches and their tips here: where the remote's was last seen, how far ahead of
    it and behind it the one here is."""
    found = {}
    for name, sha in (await tracked(ctx, repo_id, branches)).items():
        ahead, behind = await refs.distance(ctx.git, repo_id, branches[name], sha)
        found[name] = {"sha": sha, "ahead": ahead, "behind": behind}
    return found


async def _move(
    ctx: Context, repo_id: str, known: Mapping[str, str], seen: Mapping[str, str | None]
) -> None:
    """First what goes, because a name may have to make room for others below it."""
    changed = {name: sha for name, sha in seen.items() if sha != known.get(name)}
    gone = [RefUpdate(TRACKING + name, None, None) for name, sha in changed.items() if sha is None]
    moved = [RefUpdate(TRACKING + name, sha, None) for name, sha in changed.items() if sha]
    for updates in (gone, moved):
        try:
            if updates:
                await refs.update(ctx.git, repo_id, updates)
        except (BranchMoved, Conflict) as error:  # two looks at once; the next one sees it again
            log.warning("remote_not_remembered", repo=repo_id, detail=error.detail)
