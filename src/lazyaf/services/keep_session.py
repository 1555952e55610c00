"""The agent's conversation travels with the checkpoint: where it was pushed, for whoever goes on (R10).

Of each card and agent the newest one is kept. `lazyaf.services.stale_refs` deletes what others have left.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from lazyaf.git import refs
from lazyaf.protocol.messages import SessionRequest, SessionResponse
from lazyaf.services.context import Context
from lazyaf.services.leases import mark_contacted, require_lease, touch
from lazyaf.services.record_checkpoint import require_pushed
from lazyaf.store.agent_sessions import (
    SessionRow,
    find_session,
    forget_sessions_of_done,
    lasting_sessions,
    put_session,
)
from lazyaf.store.jobs import JobRow, get_attempt, get_job, update_job
from lazyaf.store.tx import Tx

KEEP_DONE: Final = timedelta(days=30)
"""How long the conversation is kept of a card that is done and does not change: it may be reopened."""

_SUBJECT: Final = re.compile(r"Session ([A-Za-z0-9][A-Za-z0-9._-]{0,199})")
_SESSION: Final = re.compile(r"refs/lazyaf/jobs/([^/]+)/(\d+)/session")


async def keep_session(ctx: Context, job_id: str, lease: str, request: SessionRequest) -> None:
    """Record what was pushed to the attempt's own ref; raises `LeaseLost`, or 409 ``not_pushed``."""
    async with ctx.job_locks.hold(job_id):
        held = await ctx.db.read(require_lease, job_id, lease)
        await require_pushed(ctx, held, "session", request.sha)
        await ctx.db.write(_record, job_id, lease, request, ctx.clock.now())
    ctx.presence.touch(f"job:{job_id}")


def _record(tx: Tx, job_id: str, lease: str, request: SessionRequest, now: str) -> None:
    held = require_lease(tx, job_id, lease)
    mark_contacted(tx, held)
    _keep(tx, job_id, request.session, request.sha, now)


async def keep_pushed_session(ctx: Context, job: JobRow, attempt: int) -> None:
    """Keep what a lost attempt has pushed of its conversation, although it never said so. Which one it is
    the commit says, as the runner has made it."""
    ref = f"refs/lazyaf/jobs/{job.id}/{attempt}/session"
    sha = await refs.resolve(ctx.git, job.repo_id, ref)
    kept = await ctx.db.read(find_session, job.card, job.agent)
    if sha is None or (kept is not None and kept.sha == sha):
        return
    said = _SUBJECT.fullmatch(await refs.subject_of(ctx.git, job.repo_id, sha))
    if said is not None:
        await ctx.db.write(_keep, job.id, said[1], sha, ctx.clock.now())


def _keep(tx: Tx, job_id: str, session_id: str, sha: str, now: str) -> None:
    job = get_job(tx, job_id)
    put_session(tx, SessionRow(job.card, job.agent, job.repo_id, session_id, sha, now))
    if job.session_id != session_id:  # a checkpoint may never come to tell
        update_job(tx, job, {"session_id": session_id})


async def kept_session(ctx: Context, job_id: str, lease: str) -> SessionResponse:
    """What is kept of the conversation that this job goes on with; raises `LeaseLost`."""
    held = await touch(ctx, job_id, lease)
    kept = await ctx.db.read(find_session, held.job.card, held.job.agent)
    if kept is None or kept.session_id != held.job.session_id:
        return SessionResponse()
    return SessionResponse(session=kept.session_id, sha=kept.sha)


def forget_sessions(tx: Tx, repo_id: str, now: str) -> None:
    """Forget the conversations of cards that are done for a while."""
    forget_sessions_of_done(tx, repo_id, _before(now))


def expired_sessions(tx: Tx, repo_id: str, found: Mapping[str, str], now: str) -> list[str]:
    """Those of the refs below ``refs/lazyaf/jobs/`` whose conversation nobody will go on with.

    Kept are the newest of each card and agent, unless the card is done for a while, and what a running
    attempt has just pushed.
    """
    pushed = {ref: sha for ref, sha in found.items() if _SESSION.fullmatch(ref)}
    kept = {session.sha for session in lasting_sessions(tx, repo_id, _before(now))}
    return [ref for ref, sha in pushed.items() if sha not in kept and not _is_live(tx, ref)]


def _before(now: str) -> str:
    return (datetime.fromisoformat(now) - KEEP_DONE).isoformat(timespec="milliseconds")


def _is_live(tx: Tx, ref: str) -> bool:
    matched = _SESSION.fullmatch(ref)
    assert matched is not None  # noqa: S101 - the caller chose the refs by it
    attempt = get_attempt(tx, matched[1], int(matched[2]))
    return attempt is not None and attempt.state == "live"
