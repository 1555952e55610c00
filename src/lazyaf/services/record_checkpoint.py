"""Remember that a runner pushed a checkpoint, and move the card's branch to its head (R7, R10)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lazyaf.domain.errors import BranchMoved, Conflict
from lazyaf.domain.events import Actor, EventType
from lazyaf.domain.jobs import JobKind
from lazyaf.git import refs
from lazyaf.protocol.messages import CheckpointRequest
from lazyaf.services.announce import job_changed
from lazyaf.services.card_branch import branch_ref, move_branch
from lazyaf.services.context import Context
from lazyaf.services.leases import Held, mark_contacted, require_lease
from lazyaf.store.cards import CardRow, get_card, update_card
from lazyaf.store.jobs import JobRow, update_job
from lazyaf.store.tx import Tx


async def record_checkpoint(
    ctx: Context, job_id: str, lease: str, request: CheckpointRequest
) -> None:
    """Record what was pushed to the attempt's own refs; raises `LeaseLost`, or 409 ``not_pushed``."""
    async with ctx.job_locks.hold(job_id):
        held, card = await ctx.db.read(_held, job_id, lease)
        await require_pushed(ctx, held, "head", request.head_sha)
        if request.sha is not None:
            await require_pushed(ctx, held, "checkpoint", request.sha)
        await follow_head(ctx, held.job, card, request.head_sha)
        await ctx.db.write(_record, job_id, lease, request, ctx.clock.now())
    ctx.presence.touch(f"job:{job_id}")


def _held(tx: Tx, job_id: str, lease: str) -> tuple[Held, CardRow]:
    held = require_lease(tx, job_id, lease)
    if held.job.kind == JobKind.CHECK.value:
        raise Conflict("Checks have no work to keep.", code="not_pushed")
    return held, get_card(tx, held.job.card)


async def require_pushed(ctx: Context, held: Held, name: str, sha: str) -> None:
    """The attempt's own ref must stand where the runner says."""
    job = held.job
    ref = f"refs/lazyaf/jobs/{job.id}/{held.attempt.attempt}/{name}"
    if await refs.resolve(ctx.git, job.repo_id, ref) != sha:
        raise Conflict(f"{sha} was not pushed to {ref}. Push it, then repeat.", code="not_pushed")


@dataclass(frozen=True, slots=True)
class Pushed:
    """What an attempt has pushed: the tip, and a checkpoint that belongs to it."""

    head: str
    checkpoint: str | None


async def pushed_by(ctx: Context, repo_id: str, job_id: str, attempt: int) -> Pushed | None:
    """The work on an attempt's own refs, which may be newer than what was recorded of it: a runner can
    be lost between its push and its word about it."""
    prefix = f"refs/lazyaf/jobs/{job_id}/{attempt}"
    head_ref, checkpoint_ref = f"{prefix}/head", f"{prefix}/checkpoint"
    tips = await refs.tips(ctx.git, repo_id, (head_ref, checkpoint_ref))
    head, checkpoint = tips.get(head_ref), tips.get(checkpoint_ref)
    if head is None:
        return None
    # A push of a clean tree moves the head alone: then the checkpoint beside it is an older one.
    if checkpoint is not None and head not in await refs.parents(ctx.git, repo_id, checkpoint):
        checkpoint = None
    return Pushed(head, checkpoint)


async def follow_head(ctx: Context, job: JobRow, card: CardRow, head: str) -> None:
    """Follow the agent's commits on the card's branch, as far as it only goes forward."""
    branch = card.branch_name or ""
    tip = await refs.resolve(ctx.git, card.repo_id, branch_ref(branch))
    if tip == head or head == job.base_sha:
        return
    if tip is not None and not await refs.is_ancestor(ctx.git, card.repo_id, tip, head):
        return  # finishing decides about a rewritten or a fresh branch
    try:
        await move_branch(ctx, card.repo_id, branch, old=tip, new=head)
    except BranchMoved:
        return  # a person pushed to it just now; the work is safe on the attempt's ref


def _record(tx: Tx, job_id: str, lease: str, request: CheckpointRequest, now: str) -> None:
    held = require_lease(tx, job_id, lease)
    mark_contacted(tx, held)
    values: dict[str, Any] = {"head_sha": request.head_sha, "checkpoint_sha": request.sha}
    if request.session is not None:
        values["session_id"] = request.session
    update_job(tx, held.job, values)
    card = get_card(tx, held.job.card)
    counts = {
        "additions": request.additions,
        "deletions": request.deletions,
        "files": request.files,
    }
    update_card(tx, card, {**counts, "updated_at": now})
    job_changed(tx, EventType.JOB_PROGRESSED, job_id, Actor("runner", held.job.runner_id or ""))
