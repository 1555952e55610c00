"""Says what landing a branch would push, before anything is: compared with the remote as it is now."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

from lazyaf.domain.remotes import LandState
from lazyaf.git import log, merge, refs
from lazyaf.services.context import Context
from lazyaf.services.look_at_remote import Look, aim_at, look_at_remote

SHOWN: Final = 50
"""Commits of either side that a preview names."""


async def preview_land(
    ctx: Context, repo_id: str, branch: str, remote_url: str | None
) -> dict[str, Any]:
    """What `land_branch` would push where; asks the remote, and fetches what it has of the branch.

    Raises `Invalid`, and `Conflict` as `lazyaf.git.fetch.fetch` does.
    """
    aim = await aim_at(ctx, repo_id, branch, remote_url)
    async with ctx.git.shared(aim.repo.id):
        return await describe(ctx, await look_at_remote(ctx, aim))


async def describe(ctx: Context, look: Look) -> dict[str, Any]:
    """The preview of a look; the caller holds `Storage.shared`."""
    aim, repo_id = look.aim, look.aim.repo.id
    state, behind = await _state(ctx, look)
    # What a new branch brings is what no branch of the remote has.
    known = [look.there] if look.there is not None else list(look.listing.branches.values())
    theirs, merges = [], None
    if state in (LandState.BEHIND, LandState.DIVERGED) and look.there is not None:
        theirs = await log.commits_beyond(ctx.git, repo_id, look.there, [aim.sha], SHOWN)
        merges = await merge.mergeability(ctx.git, repo_id, aim.sha, look.there)
    return {
        "branch": aim.branch,
        "sha": aim.sha,
        "remote_url": aim.remote.url,
        "remote_sha": look.there,
        "remote_default": look.listing.head,
        "state": state.value,
        "ahead": await log.count_beyond(ctx.git, repo_id, aim.sha, known),
        "behind": behind,
        "commits": _named(await log.commits_beyond(ctx.git, repo_id, aim.sha, known, SHOWN)),
        "remote_commits": _named(theirs),
        "mergeable": None if merges is None else merges.clean,
        "conflicts": [] if merges is None else merges.files,
    }


async def _state(ctx: Context, look: Look) -> tuple[LandState, int | None]:
    """The state, and how many commits the remote has that are not on the branch here."""
    aim = look.aim
    if look.there is None:
        return LandState.NEW, 0
    if look.there == aim.sha:
        return LandState.CURRENT, 0
    if not look.is_here:
        return LandState.UNKNOWN, None
    ahead, behind = await refs.distance(ctx.git, aim.repo.id, aim.sha, look.there)
    if behind == 0:
        return LandState.AHEAD, 0
    return (LandState.DIVERGED if ahead else LandState.BEHIND), behind


def _named(commits: list[log.Commit]) -> list[dict[str, Any]]:
    return [asdict(commit) for commit in commits]
