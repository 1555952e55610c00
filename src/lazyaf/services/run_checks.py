"""Runs the checks of cards in review, on the commit that merging each would make.

Which checks there are is said by the repository's settings and by the file at the tip of its default
branch, never by the card's branch. A run belongs to its pair of commits: when the head moves another one
begins by itself; when only the base moves, the merge queue asks again (`lazyaf.services.merge_queue`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog

from lazyaf.domain.cards import CardStatus
from lazyaf.domain.checks import Check, ChecksState, Stacked
from lazyaf.domain.errors import Conflict, LazyafError, MergeConflict
from lazyaf.domain.events import SERVER, Actor, EventType, NewEvent
from lazyaf.domain.jobs import JobKind
from lazyaf.git import merge, refs
from lazyaf.git.merge import Identity
from lazyaf.services.card_branch import base_of, branch_ref
from lazyaf.services.context import Context
from lazyaf.services.queue_checks import (
    REFS,
    forget_commit,
    keep_commit,
    no_checks,
    queue_run,
    stop_run,
)
from lazyaf.services.views import card_view, effective_settings
from lazyaf.store.cards import CardRow, cards_in_review, get_card
from lazyaf.store.check_runs import (
    CheckRunRow,
    open_check_job,
    open_runs,
    repos_with_runs,
    runs_of_card,
)
from lazyaf.store.queued_merges import queued_merges_of
from lazyaf.store.repos import RepoRow, get_repo
from lazyaf.store.tx import Tx

log = structlog.get_logger(__name__)

_SERVER: Final = Identity("LazyAF", "lazyaf@localhost")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A commit to be checked: what merging ``head_sha`` into ``base_sha`` makes, and its tree. With a
    ``stack`` what merging all of it makes; ``head_sha`` is the first one's."""

    base_sha: str
    head_sha: str
    merged_sha: str
    tree_sha: str
    stack: list[Stacked] | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """A card whose head no run has seen yet."""

    card: CardRow
    repo: RepoRow
    checks: tuple[Check, ...]

    @property
    def base(self) -> str:
        """The branch that it goes into."""
        return base_of(self.card, self.repo)


async def review_checks(ctx: Context, repo_id: str) -> None:
    """Stop the checks that nobody needs any more, and begin those that are due. What goes wrong with one
    card keeps no other; it is tried again with the next change."""
    async with ctx.job_locks.hold(f"checks:{repo_id}"):
        if await ctx.db.read(_useless, repo_id):
            for job_id in await ctx.db.write(_stop_useless, repo_id, ctx.clock.now()):
                ctx.control.wake(job_id)
        for due in await ctx.db.read(_due, repo_id):
            try:
                await _begin_due(ctx, due)
            except LazyafError as error:
                log.warning("checks.not_begun", card=due.card.id, detail=error.detail)


def follow_checks(ctx: Context, events: Sequence[NewEvent]) -> None:
    """Let go of the commits of runs that a database commit has ended. What becomes of their cards is the
    radar's to find out (`lazyaf.services.radar`)."""
    for event in events:
        if event.type is EventType.JOB_FINISHED:
            job: Any = event.data["job"]
            if job["kind"] == JobKind.CHECK:
                ctx.background.run(forget_commit(ctx, job["repo_id"], job["id"], job["base_sha"]))


async def forget_ended(ctx: Context) -> None:
    """At start: let go of the commits whose run is over. What is due is begun by the radar's first look."""
    for repo_id in await ctx.db.read(repos_with_runs):
        known = {f"{REFS}{run.job_id}" for run in await ctx.db.read(open_runs, repo_id)}
        for ref, sha in (await refs.list_refs(ctx.git, repo_id, REFS)).items():
            if ref not in known:
                await forget_commit(ctx, repo_id, ref.removeprefix(REFS), sha)


async def run_checks(ctx: Context, card_id: str, actor: Actor) -> dict[str, Any]:
    """Run the checks of a card in review once more, on the base as it is now; returns the card. Raises
    `Conflict` when there are none, when they run already, or when it does not merge."""
    due = await ctx.db.read(_asked, card_id)
    async with ctx.git.shared(due.repo.id):
        candidate = await make_candidate(ctx, due, due.card.head_sha or "")
        await begin_checks(ctx, due, candidate, actor)
    return await ctx.db.read(card_view, card_id)


async def _begin_due(ctx: Context, due: Due) -> None:
    async with ctx.git.shared(due.repo.id):
        try:
            candidate = await make_candidate(ctx, due, due.card.head_sha or "")
        except MergeConflict:
            return  # the card says so itself
        await begin_checks(ctx, due, candidate, SERVER)


async def make_candidate(ctx: Context, due: Due, head_sha: str) -> Candidate:
    """What merging makes of this head and the base as it is now. The caller holds `Storage.shared` until
    a ref points at it. Raises `MergeConflict`, or `Conflict` when there is no base."""
    repo_id = due.repo.id
    base_sha = await refs.resolve(ctx.git, repo_id, branch_ref(due.base))
    if base_sha is None:
        raise Conflict(f"There is no branch “{due.base}” in {due.repo.name} any more.")
    message = f"Merge card #{due.card.number} to check it\n"
    merged = await merge.merge_commit(
        ctx.git, repo_id, base_sha, head_sha, message=message, author=_SERVER, committer=_SERVER
    )
    return Candidate(base_sha, head_sha, merged, await merge.tree_of(ctx.git, repo_id, merged))


async def begin_checks(ctx: Context, due: Due, candidate: Candidate, actor: Actor) -> str | None:
    """Queue a job that runs them; its id, or None when earlier ones must end first."""
    job_id = ctx.new_id()
    await keep_commit(ctx, due.repo.id, job_id, candidate.merged_sha)
    stopped = await ctx.db.write(_stop_former, due.card.id, ctx.clock.now())
    if stopped is not None:
        ctx.control.wake(stopped)
    try:
        await ctx.db.write(_queue, job_id, due, candidate, actor, ctx.clock.now())
    except Conflict:
        await forget_commit(ctx, due.repo.id, job_id, candidate.merged_sha)
        return None
    return job_id


def _queue(tx: Tx, job_id: str, due: Due, candidate: Candidate, actor: Actor, now: str) -> None:
    card = get_card(tx, due.card.id)
    if card.status != CardStatus.IN_REVIEW.value:
        raise Conflict(f"Card #{card.number} is not in review any more.")
    run = CheckRunRow(
        job_id=job_id,
        card_id=card.id,
        repo_id=card.repo_id,
        base_sha=candidate.base_sha,
        head_sha=candidate.head_sha,
        merged_sha=candidate.merged_sha,
        tree_sha=candidate.tree_sha,
        checks=list(due.checks),
        results=[],
        state=ChecksState.QUEUED.value,
        stack=candidate.stack,
    )
    queue_run(tx, run, priority=card.priority, position=card.position, actor=actor, now=now)


def _due(tx: Tx, repo_id: str) -> list[Due]:
    """The cards in review that merge, and whose head the checks as they are now have not seen. Those that are
    approved at this head are the merge queue's, which asks on the tip that they are merged into."""
    repo = get_repo(tx, repo_id)
    checks = effective_settings(tx, repo).checks
    if not checks:
        return []
    approved = {queued.card_id: queued.head_sha for queued in queued_merges_of(tx, repo_id)}
    found = []
    for card in cards_in_review(tx, repo_id):
        if approved.get(card.id) == card.head_sha:
            continue
        last = next(iter(runs_of_card(tx, card.id, limit=1)), None)
        is_seen = last is not None and (last.head_sha, last.checks) == (card.head_sha, list(checks))
        if not is_seen and card.files and card.mergeable is not False:
            found.append(Due(card, repo, checks))
    return found


def _asked(tx: Tx, card_id: str) -> Due:
    card = get_card(tx, card_id)
    repo = get_repo(tx, card.repo_id)
    checks = effective_settings(tx, repo).checks
    if not checks:
        raise no_checks(repo)
    if card.status != CardStatus.IN_REVIEW.value or card.head_sha is None:
        raise Conflict(f"Card #{card.number} is not in review, so there is nothing to check.")
    if open_check_job(tx, card_id) is not None:
        raise Conflict(f"The checks of card #{card.number} are running already.", code="job_open")
    return Due(card, repo, checks)


def _stop_former(tx: Tx, card_id: str, now: str) -> str | None:
    """Stop the card's checks of another pair; the job that has to end first, if it runs."""
    job = open_check_job(tx, card_id)
    return None if job is None else stop_run(tx, job.id, now)


def _useless(tx: Tx, repo_id: str) -> list[str]:
    """The open runs of cards that are in review no more, or whose head has moved since; and those that try
    cards together which are not, in this order, what the merge queue begins with any more."""
    approved = [queued.id for queued in queued_merges_of(tx, repo_id)]
    in_review = {card.id: card.head_sha for card in cards_in_review(tx, repo_id)}
    useless = []
    for run in open_runs(tx, repo_id):
        if run.card_id is None:
            continue  # the default branch's own (`lazyaf.services.check_branch`)
        alone = [(run.card_id, run.head_sha)]
        heads = [(one["card_id"], one["head_sha"]) for one in run.stack] if run.stack else alone
        has_moved = any(in_review.get(card_id) != head for card_id, head in heads)
        tried = [one["approval"] for one in run.stack or ()]
        if has_moved or approved[: len(tried)] != tried:
            useless.append(run.job_id)
    return useless


def _stop_useless(tx: Tx, repo_id: str, now: str) -> list[str]:
    stopped = [stop_run(tx, job_id, now) for job_id in _useless(tx, repo_id)]
    return [job_id for job_id in stopped if job_id is not None]
