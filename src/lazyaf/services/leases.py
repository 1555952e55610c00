"""Who holds a job (rules.md R7): every write of a runner passes through here, but that of its entries, which
`lazyaf.services.append_log` looks up for many at once."""

from __future__ import annotations

from dataclasses import dataclass

from lazyaf.domain.errors import LeaseLost
from lazyaf.services.context import Context
from lazyaf.services.credentials import digest
from lazyaf.store.jobs import (
    AttemptRow,
    CommandRow,
    JobRow,
    attempt_by_lease,
    commands_after,
    forget_commands,
    get_job,
    update_attempt,
)
from lazyaf.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Held:
    """An attempt and its job."""

    attempt: AttemptRow
    job: JobRow


def require_lease(tx: Tx, job_id: str, lease: str, *, closed_ok: bool = False) -> Held:
    """The attempt that holds this job with this lease, or `LeaseLost`.

    With ``closed_ok`` also one that has finished, for answers that must be repeatable.
    """
    attempt = attempt_by_lease(tx, digest(lease))
    states = ("live", "closed") if closed_ok else ("live",)
    if attempt is None or attempt.job_id != job_id or attempt.state not in states:
        raise lease_lost(attempt, job_id)
    return Held(attempt, get_job(tx, job_id))


def lease_lost(attempt: AttemptRow | None, job_id: str) -> LeaseLost:
    """Why this attempt, that of a lease if it is one, does not hold the job."""
    if attempt is None or attempt.job_id != job_id:
        return LeaseLost("This lease does not hold that job.")
    return LeaseLost(
        "The lease was lost: the job has gone on without this runner. Push what you have to "
        f"refs/lazyaf/jobs/{job_id}/orphan/{attempt.attempt}, then claim again."
    )


def mark_contacted(tx: Tx, held: Held) -> None:
    """The runner has used its lease once: the claim's answer arrived."""
    if not held.attempt.contacted:
        update_attempt(tx, held.attempt, {"contacted": True})


async def touch(ctx: Context, job_id: str, lease: str, *, closed_ok: bool = False) -> Held:
    """Extend a lease without doing anything else; raises `LeaseLost`."""
    held = await ctx.db.read(require_lease, job_id, lease, closed_ok=closed_ok)
    if held.attempt.state == "live":
        if not held.attempt.contacted:
            await ctx.db.write(_contact, job_id, lease)
        ctx.presence.touch(f"job:{job_id}")
    return held


def _contact(tx: Tx, job_id: str, lease: str) -> None:
    mark_contacted(tx, require_lease(tx, job_id, lease))


async def pending_commands(
    ctx: Context, job_id: str, lease: str, *, after: int, heard: int
) -> list[CommandRow]:
    """The commands for a job that its runner has not seen; those that it has dealt with, up to the id
    ``heard``, are forgotten, so that no later attempt hears them again."""
    found = await ctx.db.read(commands_after, job_id, 0)
    if any(command.id <= heard for command in found):
        await ctx.db.write(_forget, job_id, lease, heard)
    return [command for command in found if command.id > after]


def _forget(tx: Tx, job_id: str, lease: str, heard: int) -> None:
    require_lease(tx, job_id, lease, closed_ok=True)
    forget_commands(tx, job_id, heard)
