"""Approved cards that are tried together: a run of the checks on all of them, merged one on another.

A batch is the head of the merge queue, as far as its cards go into the same branch and none touches what
another does. It is nothing that is remembered: each look of the queue (`lazyaf.services.merge_queue`) finds out
anew who could be in it, and a run counts only if it tried the first of those, on this tip, with these checks.
Whatever moved or left makes it void.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from lazyaf.domain.batches import BATCH_MAX, batch_size
from lazyaf.domain.checks import Check, ChecksState, Stacked
from lazyaf.domain.errors import Conflict
from lazyaf.domain.events import Actor
from lazyaf.domain.repo_settings import CONFIG_PATH, MergeMethod
from lazyaf.git import merge, refs
from lazyaf.git.footprints import Footprint, footprints, overlapping
from lazyaf.services.approval import Review, review_of
from lazyaf.services.card_branch import branch_ref
from lazyaf.services.carry_out_merge import Step, carry_out
from lazyaf.services.context import Context
from lazyaf.services.merge_method import make_commit
from lazyaf.services.run_checks import Candidate, Due, begin_checks
from lazyaf.store.cards import done_among
from lazyaf.store.check_runs import (
    CheckRunRow,
    has_head_failed,
    has_tree_failed,
    stacked_runs_since,
)
from lazyaf.store.queued_merges import QueuedMerge, queued_merges_of
from lazyaf.store.tx import Tx

_UNBOUND = frozenset({ChecksState.FAILED.value, ChecksState.BROKEN.value})
"""They speak against the cards of a run on whatever tip it was. One that was cancelled does so on this tip only:
somebody stopped it, or it had become void."""


@dataclass(frozen=True, slots=True)
class Approved:
    """An approval, and what it merges."""

    queued: QueuedMerge
    review: Review


@dataclass(frozen=True, slots=True)
class Batch:
    """Approvals that can be tried together, two at least, on this tip of their base with these checks.
    ``run`` is the newest that tried the first of them so; ``size`` is how many to try next, if it is over."""

    base_sha: str
    checks: tuple[Check, ...]
    members: tuple[Approved, ...]
    run: CheckRunRow | None
    size: int

    @property
    def repo_id(self) -> str:
        return self.members[0].review.repo.id


@dataclass(frozen=True, slots=True)
class _Line:
    """The head of the queue, those of it that can be tried together as far as the database knows, and the runs
    that tried the first together with others."""

    queue: list[str]
    able: list[Approved]
    runs: list[CheckRunRow]
    merged: set[str]


async def find_batch(
    ctx: Context, first: Approved, base_sha: str, held: Collection[str]
) -> Batch | None:
    """The batch that the first of the queue is in; None when it has to be tried by itself. Only of the cards
    whose locks are ``held``."""
    line = await ctx.db.read(_line_up, first, held)
    members = await _independent(ctx, line.able, base_sha)
    if len(members) < 2:
        return None
    checks = first.review.settings.checks
    run = next((run for run in line.runs if _is_of(run, members, base_sha, checks)), None)
    failed = [_approvals(run) for run in line.runs if _speaks_against(run, base_sha, checks)]
    size = batch_size(len(members), line.queue, failed, line.merged)
    return Batch(base_sha, checks, tuple(members), run, size)


def _line_up(tx: Tx, first: Approved, held: Collection[str]) -> _Line:
    repo, checks = first.review.repo, first.review.settings.checks
    queue = queued_merges_of(tx, repo.id, BATCH_MAX)
    able: list[Approved] = []
    for queued in queue:
        try:
            review = review_of(tx, queued.card_id, MergeMethod(queued.method))
        except Conflict:  # its own turn will say so
            break
        is_odd = queued.card_id not in held or review.base != first.review.base
        if is_odd or has_head_failed(tx, queued.card_id, queued.head_sha, checks):
            break
        able.append(Approved(queued, review))
    runs = [
        run
        for run in stacked_runs_since(tx, repo.id, first.queued.id)
        if first.queued.id in _approvals(run)
    ]
    others = [one for run in runs for one in run.stack or ()]
    done = done_among(tx, [one["card_id"] for one in others])
    merged = {one["approval"] for one in others if one["card_id"] in done}
    return _Line([queued.id for queued in queue], able, runs, merged)


def _approvals(run: CheckRunRow) -> list[str]:
    return [one["approval"] for one in run.stack or ()]


def _is_of(
    run: CheckRunRow, members: Sequence[Approved], base_sha: str, checks: Sequence[Check]
) -> bool:
    """Whether it tried the first of these, on this tip, with these checks. An approval is of one commit."""
    tried = _approvals(run)
    first = [member.queued.id for member in members[: len(tried)]]
    return (tried, run.base_sha, run.checks) == (first, base_sha, list(checks))


def _speaks_against(run: CheckRunRow, base_sha: str, checks: Sequence[Check]) -> bool:
    is_here = run.base_sha == base_sha and run.state == ChecksState.CANCELLED.value
    return run.checks == list(checks) and (run.state in _UNBOUND or is_here)


async def _independent(ctx: Context, able: Sequence[Approved], base_sha: str) -> Sequence[Approved]:
    """The first of these, as far as their branches are where they were approved and none touches what another
    does."""
    if len(able) < 2:
        return able
    repo_id = able[0].review.repo.id
    names = [branch_ref(one.review.card.branch_name or "") for one in able]
    tips = await refs.tips(ctx.git, repo_id, names)
    moved = (n for n, one in enumerate(able) if tips.get(names[n]) != one.queued.head_sha)
    able = able[: next(moved, len(able))]
    found = await footprints(ctx.git, repo_id, base_sha, [one.queued.head_sha for one in able])
    by_approval = {one.queued.id: found[one.queued.head_sha] for one in able}
    pairs = await asyncio.to_thread(overlapping, by_approval)
    members = list[Approved]()
    for one in able:
        mine = one.queued.id
        overlaps = any(frozenset((mine, other.queued.id)) in pairs for other in members)
        if overlaps or _stands_alone(by_approval[mine]):
            break
        members.append(one)
    return members


def _stands_alone(footprint: Footprint) -> bool:
    """It touches nearly everything, or it changes the checks that those behind it have to pass."""
    return not footprint.is_whole or CONFIG_PATH.encode() in footprint.touched


@dataclass(frozen=True, slots=True)
class _Made:
    """A card's commit on those of the cards before it."""

    sha: str
    tree_sha: str


async def _make_stack(ctx: Context, batch: Batch, size: int) -> list[_Made]:
    """Merge the first of the batch one on another, each by its own method, as far as that goes. None of it is
    a tree that has failed: whatever is merged later stays on the base branch."""
    made = list[_Made]()
    for one in batch.members[:size]:
        onto = made[-1].sha if made else batch.base_sha
        try:
            sha = await make_commit(ctx.git, one.review, onto, one.queued.head_sha)
        except Conflict:  # its own turn will say so
            break
        tree = await merge.tree_of(ctx.git, batch.repo_id, sha)
        if await ctx.db.read(has_tree_failed, batch.repo_id, tree, batch.checks):
            break
        made.append(_Made(sha, tree))
    return made


async def begin_batch(ctx: Context, batch: Batch, actor: Actor) -> tuple[str | None, list[Stacked]]:
    """Queue a run on the next of the batch: its job, None when an earlier one must end first, and whom it
    tries; nobody when they cannot be tried together after all. The caller holds `Storage.shared`."""
    made = await _make_stack(ctx, batch, batch.size)
    if len(made) < 2:
        return None, []
    tried = batch.members[: len(made)]
    stack = [
        Stacked(
            approval=one.queued.id,
            card_id=one.queued.card_id,
            number=one.review.card.number,
            head_sha=one.queued.head_sha,
        )
        for one in tried
    ]
    first, top = tried[0], made[-1]
    candidate = Candidate(batch.base_sha, first.queued.head_sha, top.sha, top.tree_sha, stack)
    due = Due(first.review.card, first.review.repo, batch.checks)
    return await begin_checks(ctx, due, candidate, actor), stack


async def merge_batch(ctx: Context, batch: Batch, run: CheckRunRow) -> bool:
    """Merge the cards that this run has passed, all or none; whether it did. The caller holds their locks.

    The commits are made again, as for a single card. False when the base or one of the cards moved meanwhile;
    raises `Conflict` when they do not come to the tree that has passed.
    """
    tried = batch.members[: len(_approvals(run))]
    async with ctx.git.shared(batch.repo_id):
        made = await _make_stack(ctx, batch, len(tried))
        if len(made) != len(tried) or made[-1].tree_sha != run.tree_sha:
            raise Conflict("Merging the cards again comes to something else.")
        steps = [
            Step(one.review, one.queued.head_sha, its.sha, Actor.parse(one.queued.actor))
            for one, its in zip(tried, made, strict=True)
        ]
        return await carry_out(ctx, batch.base_sha, steps)
