"""End an attempt: check that its work arrived, move the card's branch, close the job (R8, R14).

Intent → effect → confirm. The intent keeps the runner's words, so a server that dies in between
finishes at its next start what it had begun, and the runner's repeated request gets the same answer.
"""

from __future__ import annotations

from dataclasses import dataclass

from lazyaf.domain.checks import CheckResult
from lazyaf.domain.errors import BranchMoved, Conflict, LeaseLost, NotFound, SequenceGap
from lazyaf.domain.events import SERVER, Actor, EventType, NewEvent
from lazyaf.domain.jobs import JobKind, StopReason
from lazyaf.git import refs
from lazyaf.protocol.messages import FinishRequest
from lazyaf.services.announce import card_changed
from lazyaf.services.answer_comments import answers_of
from lazyaf.services.append_log import usage_values
from lazyaf.services.card_branch import Measured, archive_ref, branch_ref, measure, move_branch
from lazyaf.services.close_job import Closing, close_job
from lazyaf.services.context import Context
from lazyaf.services.leases import Held, mark_contacted, require_lease
from lazyaf.services.record_checkpoint import require_pushed
from lazyaf.store.cards import CardRow, get_card, update_card
from lazyaf.store.intents import IntentRow, find_intent, insert_intent, remove_intent
from lazyaf.store.jobs import get_attempt, get_job
from lazyaf.store.repos import RepoRow, get_repo
from lazyaf.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Ending:
    """What is known when a runner wants to finish."""

    held: Held
    card: CardRow
    repo: RepoRow
    intent: IntentRow | None

    @property
    def base(self) -> str:
        """The branch that the card goes into."""
        return self.card.base_branch or self.repo.default_branch


async def finish_job(ctx: Context, job_id: str, lease: str, request: FinishRequest) -> str:
    """Close the job as the runner says; returns its status. Repeating it with the same lease gives
    the same answer. Raises `LeaseLost`, `SequenceGap` or 409 ``not_pushed``."""
    return await ctx.background.finish(_finish_job(ctx, job_id, lease, request))


async def _finish_job(ctx: Context, job_id: str, lease: str, request: FinishRequest) -> str:
    async with ctx.job_locks.hold(job_id):
        held, ending = await ctx.db.read(_look, job_id, lease)
        if held.attempt.state == "closed":
            return held.job.status
        if held.attempt.src_seq < request.last_seq:
            raise SequenceGap(expected=held.attempt.src_seq + 1)
        if ending is None:
            closing = _of_checks(request)
            status = await ctx.db.write(_close, job_id, closing, ctx.clock.now())
        else:
            if request.head_sha is not None:
                await require_pushed(ctx, held, "head", request.head_sha)
            status = await _finish(ctx, ending, lease, request)
    ctx.presence.forget(f"job:{job_id}")
    ctx.presence.forget(f"cancel:{job_id}")
    ctx.control.wake(job_id)
    return status


def _without_nul(text: str) -> str:
    """PostgreSQL keeps none."""
    return text.replace("\0", "\ufffd")


def _of_checks(request: FinishRequest) -> Closing:
    """Checks touch no branch, whatever the runner says of one."""
    checks = tuple(
        CheckResult(
            name=report.name,
            outcome=report.outcome,
            exit_code=report.exit_code,
            seconds=report.seconds,
            last_lines=_without_nul(report.last_lines),
        )
        for report in request.checks
    )
    error = _without_nul(request.error) if request.error else None
    return Closing(request.stop_reason, error=error, heard=request.heard, checks=checks)


def _look(tx: Tx, job_id: str, lease: str) -> tuple[Held, Ending | None]:
    """What holds the lease, and what its end depends on; for checks that is nothing."""
    held = require_lease(tx, job_id, lease, closed_ok=True)
    if held.job.kind == JobKind.CHECK.value:
        return held, None
    card = get_card(tx, held.job.card)
    return held, Ending(held, card, get_repo(tx, card.repo_id), find_intent(tx, card.id))


async def _finish(ctx: Context, ending: Ending, lease: str, request: FinishRequest) -> str:
    card, branch = ending.card, ending.card.branch_name or ""
    tip = await refs.resolve(ctx.git, card.repo_id, branch_ref(branch))
    head = request.head_sha
    if head is not None and (tip is not None or head != ending.held.job.base_sha) and tip != head:
        intent = ending.intent
        if intent is None or (intent.old_sha, intent.new_sha) != (tip, head):
            intent = _intent(ctx, ending, tip, head, request)
            await ctx.db.write(_write_down, intent, ending.held.job.id, lease)
        refused = await _effect(ctx, intent, card)
        if refused is not None:
            request = request.model_copy(
                update={"stop_reason": StopReason.PUSH_REJECTED, "error": refused}
            )
    return await _confirm(ctx, ending, request)


def _intent(
    ctx: Context, ending: Ending, tip: str | None, head: str, request: FinishRequest
) -> IntentRow:
    return IntentRow(
        id=ctx.new_id(),
        repo_id=ending.repo.id,
        card_id=ending.card.id,
        operation="finish",
        ref=branch_ref(ending.card.branch_name or ""),
        old_sha=tip,
        new_sha=head,
        head_sha=head,
        body={"job_id": ending.held.job.id, "request": request.model_dump(mode="json")},
        actor="runner",
        created_at=ctx.clock.now(),
    )


def _write_down(tx: Tx, intent: IntentRow, job_id: str, lease: str) -> None:
    mark_contacted(tx, require_lease(tx, job_id, lease))
    drop_finish_intent(tx, intent.card_id)  # an earlier try, which said something else
    insert_intent(tx, intent)


def drop_finish_intent(tx: Tx, card_id: str | None) -> None:
    """Forget a finish that was begun: it is confirmed, or another attempt decides now."""
    intent = find_intent(tx, card_id) if card_id is not None else None
    if intent is not None and intent.operation == "finish":
        remove_intent(tx, intent.id)


async def _effect(ctx: Context, intent: IntentRow, card: CardRow) -> str | None:
    """Move the branch; why not, when it cannot be. A rewritten branch keeps its former tip."""
    branch = intent.ref.removeprefix("refs/heads/")
    old, new = intent.old_sha, intent.new_sha
    count = card.rejections + 1
    archive: str | None = archive_ref(card.number, count)
    if await refs.resolve(ctx.git, intent.repo_id, intent.ref) == new:
        if await refs.resolve(ctx.git, intent.repo_id, str(archive)) == old is not None:
            await ctx.db.write(_count_archive, card.id, count)  # a crash came between the two
        return None
    if old is None or await refs.is_ancestor(ctx.git, intent.repo_id, old, new):
        archive = None
    try:
        await move_branch(ctx, intent.repo_id, branch, old=old, new=new, archive=archive)
    except BranchMoved:
        return (
            f"Someone pushed to {branch} while the agent worked. Its work is kept at {new[:12]}; "
            "retry to continue from the branch as it is now."
        )
    except Conflict as blocked:
        return f"The branch {branch} cannot be made: {blocked.detail}"
    if archive is not None:
        await ctx.db.write(_count_archive, card.id, count)
    return None


def _count_archive(tx: Tx, card_id: str, count: int) -> None:
    card = get_card(tx, card_id)
    update_card(tx, card, {"rejections": max(card.rejections, count)})
    card_changed(tx, EventType.CARD_UPDATED, card_id, SERVER)  # no version goes untold


async def _confirm(ctx: Context, ending: Ending, request: FinishRequest) -> str:
    card = ending.card
    head = await refs.resolve(ctx.git, card.repo_id, branch_ref(card.branch_name or ""))
    measured = await measure(ctx, card.repo_id, ending.base, head) if head else Measured()
    closing = Closing(
        reason=_reason(request.stop_reason, measured, head),
        error=_without_nul(request.error) if request.error else None,
        head_sha=head,
        final_sha=request.head_sha,
        usage=usage_values(request.usage),
        session=request.session,
        heard=request.heard,
        measured=measured,
        answers=tuple(await ctx.db.read(answers_of, ending.held.job.id)),
    )
    return await ctx.db.write(_close, ending.held.job.id, closing, ctx.clock.now())


def _reason(said: StopReason, measured: Measured, head: str | None) -> StopReason:
    """The runner speaks of its run, the card of its branch: a follow-up that changed nothing leaves
    the earlier round's work to review."""
    if said is StopReason.NO_CHANGES and measured.files:
        return StopReason.FINISHED
    if said is StopReason.FINISHED and head is None:
        return StopReason.NO_CHANGES
    return said


def _close(tx: Tx, job_id: str, closing: Closing, now: str) -> str:
    job = get_job(tx, job_id)
    if job.status != "running":
        return job.status
    drop_finish_intent(tx, job.card_id)
    if closing.head_sha is not None:
        card = get_card(tx, job.card)
        data = {"branch": card.branch_name, "sha": closing.head_sha, "repo_id": job.repo_id}
        actor = Actor("runner", job.runner_id or "")
        tx.emit(NewEvent(EventType.BRANCH_PUSHED, job.repo_id, actor, 0, data))
    # Also when a cancel was asked for: a finish that arrives first wins (rules.md R14).
    return close_job(tx, job_id, closing, Actor("runner", job.runner_id or ""), now).status


async def resume_finish(ctx: Context, intent: IntentRow) -> None:
    """Finish what a crash interrupted; at start."""
    request = FinishRequest.model_validate(intent.body["request"])
    try:
        ending = await ctx.db.read(_recovered, intent)
    except (NotFound, LeaseLost):
        await ctx.db.write(remove_intent, intent.id)
        return
    refused = await _effect(ctx, intent, ending.card)
    if refused is not None:
        changed = {"stop_reason": StopReason.PUSH_REJECTED, "error": refused}
        request = request.model_copy(update=changed)
    await _confirm(ctx, ending, request)


def _recovered(tx: Tx, intent: IntentRow) -> Ending:
    job = get_job(tx, intent.body["job_id"])
    attempt = get_attempt(tx, job.id, job.attempt)
    if attempt is None or attempt.state != "live":
        raise LeaseLost("The attempt is over.")
    card = get_card(tx, job.card)
    return Ending(Held(attempt, job), card, get_repo(tx, card.repo_id), intent)
