"""Runs the checks of the default branch itself, where no run is known to have passed on what its tip has.

A person's push, a fetch from the remote, and whatever else moves the branch past the merge queue are seen by
the radar, which has `review_branch` compare what is with what is known: nothing is remembered in between, so
that a crash loses nothing and begins nothing twice. Only the newest tip is checked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from lazyaf.domain.checks import OPEN, WORTHLESS, Check, ChecksState
from lazyaf.domain.errors import Conflict
from lazyaf.domain.events import SERVER, Actor
from lazyaf.domain.repo_settings import BranchWatch
from lazyaf.git import merge, refs
from lazyaf.services.announce import branch_checked
from lazyaf.services.card_branch import branch_ref
from lazyaf.services.check_state import short
from lazyaf.services.context import Context
from lazyaf.services.queue_checks import (
    forget_commit,
    keep_commit,
    no_checks,
    queue_run,
    stop_run,
)
from lazyaf.services.repositories import find_repo, show_repo
from lazyaf.services.views import effective_settings
from lazyaf.store.check_runs import CheckRunRow, passed_run, runs_of_branch
from lazyaf.store.default_branches import (
    DefaultBranchRow,
    find_default_branch,
    forget_default_branch,
    put_default_branch,
)
from lazyaf.store.repos import RepoRow
from lazyaf.store.tx import Tx

PRIORITY: Final = 1
"""Of these jobs: before the checks of cards that nobody calls urgent, since on a red branch none of them
passes; one run at a time cannot keep them long."""


@dataclass(frozen=True, slots=True)
class Tip:
    """A default branch as git has it now, and the checks that are to pass on it. ``is_watched``: they run by
    themselves."""

    repo: RepoRow
    checks: tuple[Check, ...]
    sha: str
    tree_sha: str
    is_watched: bool


@dataclass(frozen=True, slots=True)
class Sight:
    """What is known of a tip: the run that tells of it, the last job that checked the branch, the job of an
    open run of what is not the tip any more, whether that is to be stopped, and whether checks are due."""

    row: DefaultBranchRow | None
    run: CheckRunRow | None
    last: str | None
    other: str | None
    is_outdated: bool
    is_due: bool


async def review_branch(ctx: Context, repo_id: str) -> None:
    """Stop the checks of former tips, note how the tip stands, and begin the checks that are due."""
    async with ctx.job_locks.hold(f"checks:{repo_id}"):
        tip = await _tip_of(ctx, repo_id)
        if tip is None:
            if await ctx.db.read(find_default_branch, repo_id) is not None:
                _wake(ctx, await ctx.db.write(_forget, repo_id, ctx.clock.now()))
            return
        sight = await ctx.db.read(_look, tip)
        if sight.is_outdated or _noted(tip, sight) != sight.row:
            sight = await ctx.db.write(_note, tip, ctx.clock.now())
            _wake(ctx, sight.other)
        # One that has to end first is heard when it has.
        if sight.is_due and sight.other is None:
            await _begin(ctx, tip, SERVER)


async def check_branch(ctx: Context, repo_key: str, actor: Actor) -> dict[str, Any]:
    """Run the checks on the tip of the default branch once more, whatever is known of it; returns the
    repository (id or name). Raises `Conflict` when it has no checks or nothing to check, or while they run."""
    repo = await ctx.db.read(find_repo, repo_key)
    async with ctx.job_locks.hold(f"checks:{repo.id}"):
        tip = await _tip_of(ctx, repo.id)
        if tip is None:
            raise await ctx.db.read(_why_not, repo.id)
        sight = await ctx.db.write(_note, tip, ctx.clock.now())
        _wake(ctx, sight.other)
        await _begin(ctx, tip, actor)
    return await ctx.db.read(show_repo, repo.id)


async def _tip_of(ctx: Context, repo_id: str) -> Tip | None:
    """None where there is nothing to run, or nothing to run it on."""
    repo, checks, is_watched = await ctx.db.read(_wanted, repo_id)
    if not checks or not ctx.git.exists(repo_id):
        return None
    sha = await refs.resolve(ctx.git, repo_id, branch_ref(repo.default_branch))
    if sha is None:
        return None
    return Tip(repo, checks, sha, await merge.tree_of(ctx.git, repo_id, sha), is_watched)


def _wanted(tx: Tx, repo_id: str) -> tuple[RepoRow, tuple[Check, ...], bool]:
    repo = find_repo(tx, repo_id)
    settings = effective_settings(tx, repo)
    return repo, settings.checks, settings.default_checks != BranchWatch.OFF


def _why_not(tx: Tx, repo_id: str) -> Conflict:
    repo, checks, _ = _wanted(tx, repo_id)
    if not checks:
        return no_checks(repo)
    return Conflict(f"{repo.name} has no branch “{repo.default_branch}” yet.", code="not_ingested")


def _look(tx: Tx, tip: Tip) -> Sight:
    """A run of the tip itself tells of it, unless that came to nothing and another one has passed on the same
    tree: what the merge queue has checked needs no second run."""
    runs = runs_of_branch(tx, tip.repo.id, limit=2)
    last = runs[0] if runs else None
    is_own = last is not None and (last.head_sha, last.checks) == (tip.sha, list(tip.checks))
    run = last if is_own else None
    if run is None or run.state in WORTHLESS:
        run = passed_run(tx, tip.repo.id, tip.tree_sha, tip.checks) or run
    other = last if last is not None and not is_own and last.state in OPEN else None
    return Sight(
        find_default_branch(tx, tip.repo.id),
        run,
        None if last is None else last.job_id,
        None if other is None else other.job_id,
        is_outdated=other is not None and not (run is None and _may_end(runs)),
        is_due=tip.is_watched and run is None,
    )


def _may_end(runs: Sequence[CheckRunRow]) -> bool:
    """Whether the last run goes on although the branch has moved: one of two does, or a branch that moves
    faster than its checks run would never hear of them."""
    states = [ChecksState(run.state) for run in runs]
    return states == [ChecksState.RUNNING, ChecksState.CANCELLED]


def _noted(tip: Tip, sight: Sight) -> DefaultBranchRow:
    """What is to be kept. Another default branch begins anew, and runs of the former one are none of its."""
    known = sight.row
    if known is None or known.branch != tip.repo.default_branch:
        known = DefaultBranchRow(
            tip.repo.id, tip.repo.default_branch, tip.sha, heard_job_id=sight.last
        )
    return replace(known, sha=tip.sha, checks=None if sight.run is None else short(sight.run))


def _note(tx: Tx, tip: Tip, now: str) -> Sight:
    """Note it, and stop what is outdated; what is known then."""
    sight = _look(tx, tip)
    other = sight.other
    if other is not None and sight.is_outdated:
        other = stop_run(tx, other, now)
    noted = _noted(tip, sight)
    if noted != sight.row:
        put_default_branch(tx, noted)
        branch_checked(tx, noted)
    return replace(sight, row=noted, other=other)


def _forget(tx: Tx, repo_id: str, now: str) -> str | None:
    """There is nothing to check any more; the job that has to end first, if one runs."""
    runs = runs_of_branch(tx, repo_id, limit=1)
    stopped = [stop_run(tx, run.job_id, now) for run in runs if run.state in OPEN]
    known = find_default_branch(tx, repo_id)
    if known is not None:
        forget_default_branch(tx, repo_id)
        branch_checked(tx, known)
    return stopped[0] if stopped else None


def _wake(ctx: Context, job_id: str | None) -> None:
    if job_id is not None:
        ctx.control.wake(job_id)


async def _begin(ctx: Context, tip: Tip, actor: Actor) -> None:
    """Queue a run of the tip. Raises `Conflict` while another one is open."""
    job_id = ctx.new_id()
    async with ctx.git.shared(tip.repo.id):
        await keep_commit(ctx, tip.repo.id, job_id, tip.sha)
        try:
            await ctx.db.write(_queue, tip, job_id, actor, ctx.clock.now())
        except Conflict:
            await forget_commit(ctx, tip.repo.id, job_id, tip.sha)
            raise


def _queue(tx: Tx, tip: Tip, job_id: str, actor: Actor, now: str) -> None:
    run = CheckRunRow(
        job_id=job_id,
        card_id=None,
        repo_id=tip.repo.id,
        base_sha=tip.sha,
        head_sha=tip.sha,
        merged_sha=tip.sha,
        tree_sha=tip.tree_sha,
        checks=list(tip.checks),
        results=[],
        state=ChecksState.QUEUED.value,
    )
    queue_run(tx, run, priority=PRIORITY, position=0.0, actor=actor, now=now)
