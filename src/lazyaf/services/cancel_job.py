"""Stop a job: at once while it waits in the queue, through its runner while it runs (rules.md R14)."""

from __future__ import annotations

from typing import Any

from lazyaf.domain.cards import CardStatus, allowed_commands
from lazyaf.domain.errors import Conflict, IllegalTransition
from lazyaf.domain.events import Actor, EventType
from lazyaf.domain.jobs import JobStatus, StopReason
from lazyaf.services.announce import job_changed
from lazyaf.services.close_job import Closing, close_job
from lazyaf.services.context import Context
from lazyaf.services.views import card_view, named_job_view
from lazyaf.store.cards import get_card
from lazyaf.store.jobs import get_job, insert_command, open_job_ids, update_job
from lazyaf.store.tx import Tx


async def cancel_card(ctx: Context, card_id: str, actor: Actor) -> dict[str, Any]:
    """Stop the card's open job; returns the card, which shows "stopping" until the job is over."""
    job_id = await ctx.db.write(_cancel_card, card_id, actor, ctx.clock.now())
    ctx.control.wake(job_id)
    return await ctx.db.read(card_view, card_id)


def _cancel_card(tx: Tx, card_id: str, actor: Actor, now: str) -> str:
    card = get_card(tx, card_id)
    if card.status != CardStatus.IN_PROGRESS.value or card.job_id is None:
        raise IllegalTransition(
            f"Card #{card.number} is not being worked on, so there is nothing to cancel.",
            allowed=allowed_commands(CardStatus(card.status)),
        )
    return request_cancel(tx, card.job_id, actor, now)


async def cancel_job(ctx: Context, job_id: str, actor: Actor) -> dict[str, Any]:
    """Stop a job; returns it. A job that is over is 409."""
    await ctx.db.write(request_cancel, job_id, actor, ctx.clock.now())
    ctx.control.wake(job_id)
    return await ctx.db.read(show_job, job_id)


async def cancel_all(ctx: Context, actor: Actor) -> int:
    """Stop every job that waits or runs; how many. Each runner saves its work as for a single one."""
    stopped = await ctx.db.write(_cancel_all, actor, ctx.clock.now())
    for job_id in stopped:
        ctx.control.wake(job_id)
    return len(stopped)


def _cancel_all(tx: Tx, actor: Actor, now: str) -> list[str]:
    return [request_cancel(tx, job_id, actor, now) for job_id in open_job_ids(tx)]


def request_cancel(tx: Tx, job_id: str, actor: Actor, now: str) -> str:
    """Stop a job in this transaction; its id. The caller wakes its runner (``ctx.control``)."""
    job = get_job(tx, job_id)
    if job.status == JobStatus.QUEUED.value:
        close_job(tx, job_id, Closing(StopReason.CANCELLED), actor, now)
    elif job.status != JobStatus.RUNNING.value:
        raise Conflict(f"The job is {job.status} already.", code="job_over")
    elif not job.cancel_requested:
        update_job(tx, job, {"cancel_requested": True})
        insert_command(tx, job_id, "cancel", None, now)
        job_changed(tx, EventType.JOB_CANCEL_REQUESTED, job_id, actor)
    return job_id


def show_job(tx: Tx, job_id: str) -> dict[str, Any]:
    """One job with its runner's name."""
    return named_job_view(tx, get_job(tx, job_id))


async def send_command(ctx: Context, job_id: str, command: str, text: str | None) -> None:
    """Send a message or an interrupt to the agent of a running job; otherwise 409."""
    await ctx.db.write(_send, job_id, command, text, ctx.clock.now())
    ctx.control.wake(job_id)


def _send(tx: Tx, job_id: str, command: str, text: str | None, now: str) -> None:
    job = get_job(tx, job_id)
    if job.status != JobStatus.RUNNING.value:
        raise Conflict(
            f"The job is {job.status}, so its agent does not hear you. Say it when the card is started "
            "next, or with “Request changes”.",
            code="job_not_running",
        )
    if job.cancel_requested:
        raise Conflict(
            "The job is being stopped, so its agent does not hear you. Say it when you start the card "
            "again.",
            code="job_not_running",
        )
    insert_command(tx, job_id, command, text, now)
