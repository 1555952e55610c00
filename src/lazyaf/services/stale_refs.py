"""Refs of jobs that nobody will come back for: which they are, and their end.

Upkeep removes them once a day, `lazyaf gc` when it is asked. What archives keep is never among them,
nor a commit that only such a ref reaches: unmerged work stays (rules.md R7, R10). Of uncommitted work a
checkpoint is the only copy until its job is done; then the commits that came after it have replaced it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from lazyaf.domain.cards import CardStatus
from lazyaf.domain.errors import BranchMoved
from lazyaf.domain.jobs import OPEN, JobStatus
from lazyaf.domain.leftovers import LeftoverKind
from lazyaf.git import refs
from lazyaf.git.reach import beyond
from lazyaf.git.refs import HEADS, TAGS, RefUpdate
from lazyaf.services.context import Context
from lazyaf.services.keep_session import expired_sessions, forget_sessions
from lazyaf.services.orphans import expired_orphans, made_at
from lazyaf.store.jobs import JobFate, fates_of_jobs
from lazyaf.store.named_commits import commits_named_in
from lazyaf.store.tx import Tx

log = structlog.get_logger(__name__)

JOBS: Final = "refs/lazyaf/jobs/"
LASTING: Final = (HEADS, TAGS, "refs/lazyaf/archive/")
"""What keeps the commits that it reaches."""
KEEP: Final = timedelta(days=30)
"""How long the refs of a job stay after its end, whatever else keeps its work."""

_PUSHED: Final = re.compile(r"refs/lazyaf/jobs/([^/]+)/\d+/(head|checkpoint)")


@dataclass(frozen=True, slots=True)
class StaleRefs:
    """Refs that may go, where they stand, and why."""

    kind: LeftoverKind
    why: str
    refs: dict[str, str]


async def remove_stale_refs(ctx: Context, repo_id: str) -> int:
    """Delete every one of a repository; how many."""
    return sum([await remove(ctx, repo_id, stale) for stale in await stale_refs(ctx, repo_id)])


async def stale_refs(ctx: Context, repo_id: str) -> list[StaleRefs]:
    """What there is of each kind, if there is any."""
    found = await refs.list_refs(ctx.git, repo_id, JOBS)
    now = ctx.clock.now()
    orphans = await ctx.db.read(expired_orphans, list(found), now)
    sessions = await ctx.db.read(expired_sessions, repo_id, found, now)
    over = await ctx.db.read(_over, repo_id, found, now)
    every = (
        StaleRefs(
            LeftoverKind.ORPHANS,
            "Left by attempts that had lost their lease; nobody came back for it in time.",
            {ref: found[ref] for ref in orphans},
        ),
        StaleRefs(
            LeftoverKind.CONVERSATIONS,
            "Conversations of agents that newer ones have replaced, or whose card is done.",
            {ref: found[ref] for ref in sessions},
        ),
        StaleRefs(
            LeftoverKind.JOB_REFS,
            "Of jobs that ended a month ago; every commit is on a branch or in the archive.",
            await _merged(ctx, repo_id, over),
        ),
    )
    return [stale for stale in every if stale.refs]


def _over(tx: Tx, repo_id: str, found: Mapping[str, str], now: str) -> dict[str, str]:
    """The refs of jobs that are over for long enough and that nothing goes on from."""
    before = datetime.fromisoformat(now) - KEEP
    fates, named = fates_of_jobs(tx, repo_id), commits_named_in(tx, repo_id)
    over = {}
    for ref, sha in found.items():
        pushed = _PUSHED.fullmatch(ref)
        if pushed is not None and sha not in named:
            job_id, name = pushed.groups()
            fate = fates.get(job_id)
            if _is_over(fate, job_id, before) and (name == "head" or _is_outdated(fate)):
                over[ref] = sha
    return over


def _is_over(fate: JobFate | None, job_id: str, before: datetime) -> bool:
    """Of a job that is not known the card was deleted, or it is younger than a restored backup."""
    if fate is None:
        return made_at(job_id) < before
    if JobStatus(fate.status) in OPEN or fate.completed_at is None:
        return False
    return datetime.fromisoformat(fate.completed_at) < before


def _is_outdated(fate: JobFate | None) -> bool:
    """Whether something has replaced the checkpoints of a job: its last commit, or what was approved.
    Who deletes a card gives up what is on no branch."""
    return fate is None or fate.status == JobStatus.COMPLETED or fate.card_status == CardStatus.DONE


async def _merged(ctx: Context, repo_id: str, over: Mapping[str, str]) -> dict[str, str]:
    """Those without which every commit is still reached. A checkpoint is no commit of anybody's work;
    its parents are."""
    unmerged = await beyond(ctx.git, repo_id, set(over.values()), LASTING)
    return {ref: sha for ref, sha in over.items() if not _commits_of(ref, sha, unmerged)}


def _commits_of(ref: str, sha: str, unmerged: Mapping[str, list[str]]) -> set[str]:
    """The commits of work that would be lost with this ref."""
    if ref.endswith("/checkpoint"):
        return {parent for parent in unmerged.get(sha, []) if parent in unmerged}
    return {sha} & unmerged.keys()


async def remove(ctx: Context, repo_id: str, stale: StaleRefs) -> int:
    """Delete these refs where they still stand as they were seen; how many."""
    if stale.kind is LeftoverKind.CONVERSATIONS:
        await ctx.db.write(forget_sessions, repo_id, ctx.clock.now())
    gone = await _delete(ctx, repo_id, stale.refs)
    log.info("stale_refs_removed", repo=repo_id, kind=stale.kind.value, refs=gone)
    return len(gone)


async def _delete(ctx: Context, repo_id: str, found: Mapping[str, str]) -> dict[str, str]:
    """Delete them at once, or, when one has moved, one by one."""
    updates = {ref: RefUpdate(ref, None, sha) for ref, sha in found.items()}
    try:
        await refs.update(ctx.git, repo_id, list(updates.values()))
    except BranchMoved:
        gone = {}
        for ref, update in updates.items():
            with suppress(BranchMoved):
                await refs.update(ctx.git, repo_id, [update])
                gone[ref] = found[ref]
        return gone
    return dict(found)
