"""The server's side of the runner protocol (lazyaf.protocol has its rules)."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import FileResponse

from lazyaf.domain.attachments import UNKNOWN
from lazyaf.domain.errors import Invalid, Unavailable
from lazyaf.protocol import LEASE_HEADER, PREFIX
from lazyaf.protocol.messages import (
    CheckpointRequest,
    ClaimRequest,
    Command,
    ControlResponse,
    FinishRequest,
    FinishResponse,
    HeartbeatRequest,
    HeartbeatResponse,
    Job,
    LeftoversRequest,
    LeftoversResponse,
    LogRequest,
    LogResponse,
    RegisterRequest,
    RegisterResponse,
    SessionRequest,
    SessionResponse,
)
from lazyaf.services import runners
from lazyaf.services.about_leftovers import about_leftovers
from lazyaf.services.append_log import Batch, append_log, batch_of
from lazyaf.services.attachments import open_for_job
from lazyaf.services.claim_job import Look, claim_job
from lazyaf.services.finish_job import finish_job
from lazyaf.services.keep_session import keep_session, kept_session
from lazyaf.services.leases import pending_commands, touch
from lazyaf.services.record_checkpoint import record_checkpoint
from lazyaf.web.auth import RunnerToken, State, runner_token_of
from lazyaf.web.config import WebState, state_of
from lazyaf.web.direct import DirectRoute, body_of, described, parse
from lazyaf.web.errors import PROBLEMS
from lazyaf.web.paging import JobId
from lazyaf.web.ready_json import ready_json
from lazyaf.web.routers.attachments import BYTES, AttachmentId, file_response

router = APIRouter(prefix=PREFIX, tags=["runner protocol"], responses=PROBLEMS)
direct = APIRouter(
    prefix=PREFIX, tags=["runner protocol"], responses=PROBLEMS, route_class=DirectRoute
)
"""What runners ask most."""

Lease = Annotated[str, Header(alias=LEASE_HEADER, max_length=200)]
LEASE: Final[dict[str, Any]] = {
    "parameters": [
        {"name": LEASE_HEADER, "in": "header", "required": True, "schema": {"type": "string"}}
    ]
}
"""For the OpenAPI entry of a route that calls `lease_of`; a declared header costs far more."""


def lease_of(request: Request) -> str:
    """The lease with which a runner asks."""
    lease = request.headers.get(LEASE_HEADER)
    if lease is None:
        raise Invalid.field(LEASE_HEADER, f"Send the lease of the job in {LEASE_HEADER}.")
    return lease


@router.post("/register", response_model=RegisterResponse)
async def register(state: State, token_id: RunnerToken, body: RegisterRequest) -> RegisterResponse:
    """Make a runner known; harmless to repeat."""
    return await runners.register_runner(state.ctx, body, token_id)


@router.post("/heartbeat", response_model=HeartbeatResponse)
async def heartbeat(
    state: State, token_id: RunnerToken, body: HeartbeatRequest
) -> HeartbeatResponse:
    """An idle runner lives; the answer says whether it should drain."""
    return HeartbeatResponse(drain=await _beat(state, body.instance_id, token_id, body.draining))


@router.post("/leftovers", response_model=LeftoversResponse)
async def leftovers(state: State, body: LeftoversRequest) -> LeftoversResponse:
    """What is known of what lies about on a runner's disk, so that it may tidy up."""
    return await about_leftovers(state.ctx, body)


async def _beat(state: WebState, instance_id: str, token_id: str, draining: bool) -> bool:
    runner_id, drain = await state.ctx.db.write(
        runners.beat, instance_id, token_id, draining, state.ctx.clock.now()
    )
    state.ctx.presence.touch(f"runner:{runner_id}")
    return drain


def _claim(body: bytes) -> ClaimRequest:
    return parse(ClaimRequest, body)


@direct.post(
    "/claim",
    response_model=Job,
    responses={204: {"description": "Nothing to do within the wait."}},
    openapi_extra=described(ClaimRequest),
)
async def claim(request: Request) -> Response:
    """Wait for a job. One waiter wakes, in milliseconds, when a job is queued."""
    state, token_id = state_of(request), runner_token_of(request)
    body = await body_of(request, _claim)
    if state.ctx.dispatcher.is_draining:
        raise Unavailable("The server is restarting. Ask again in a moment.")
    loop = asyncio.get_running_loop()
    deadline = loop.time() + min(body.wait, state.ctx.rhythm.long_poll)
    line, baton = state.ctx.dispatcher, None
    seen = line.news
    look = await _look(state, body, token_id)  # with a job for it nobody needs to stand in the line
    try:
        while look.job is None and not look.is_spent and not line.is_draining:
            waiter = line.join(look.runner.lanes)
            try:
                if line.news != seen:  # a baton is news, too
                    seen = line.news
                    look = await _look(state, body, token_id)
                    held, baton = baton, None
                    line.looked(held, look.lanes, found=look.job is not None)
                    if look.job is not None or look.is_spent:
                        break
                if not await woken(request, waiter.future, deadline - loop.time()):
                    break
            finally:
                baton = line.leave(waiter) or baton
    finally:
        line.pass_on(baton)
    if look.job is None:
        state.ctx.presence.touch(f"runner:{look.runner.id}")
        return Response(status_code=204)
    # Without defaults: a runner that is older does not know the newest members.
    return ready_json(look.job.model_dump_json(exclude_defaults=True))


async def _look(state: WebState, body: ClaimRequest, token_id: str) -> Look:
    look = await claim_job(state.ctx, body.instance_id, token_id, body.claim_id)
    state.ctx.presence.touch(f"runner:{look.runner.id}")
    return look


async def woken(request: Request, future: asyncio.Future[None], wait: float) -> bool:
    """Whether the future came before the wait ran out or the client left."""
    if wait <= 0:
        return False
    gone = asyncio.create_task(_disconnected(request))
    waiting: set[asyncio.Future[Any]] = {future, gone}
    try:
        await asyncio.wait(waiting, timeout=wait, return_when=asyncio.FIRST_COMPLETED)
        return future.done() and not gone.done()
    finally:
        gone.cancel()


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        continue


def _batch(body: bytes) -> tuple[int, Batch]:
    asked = parse(LogRequest, body)
    return asked.src_seq, batch_of(asked.entries)


@direct.post(
    "/jobs/{job_id}/log",
    response_model=LogResponse,
    openapi_extra={**described(LogRequest), **LEASE},
)
async def log(request: Request, job_id: JobId) -> Response:
    """Append entries; overlap is trimmed, a gap is 409 with the expected number."""
    state, lease = state_of(request), lease_of(request)
    src_seq, batch = await body_of(request, _batch)
    stored = await append_log(state.ctx, job_id, lease, src_seq, batch)
    state.progress.note(job_id)
    return ready_json(b'{"stored":%d}' % stored)


@router.get("/jobs/{job_id}/log", response_model=LogResponse)
async def log_position(state: State, job_id: JobId, lease: Lease) -> LogResponse:
    """The last number that the server holds of this attempt; asked after a restart."""
    held = await touch(state.ctx, job_id, lease)
    return LogResponse(stored=held.attempt.src_seq)


@router.get("/jobs/{job_id}/control", response_model=ControlResponse)
async def control(
    request: Request,
    state: State,
    job_id: JobId,
    lease: Lease,
    after: Annotated[int, Query(ge=0, le=2**53)] = 0,
    heard: Annotated[int, Query(ge=0, le=2**53)] = 0,
    wait: Annotated[float, Query(ge=0, le=60)] = 25,
) -> ControlResponse:
    """Commands for the running job, at once when there are some; those up to ``heard`` were dealt
    with and are forgotten."""
    ctx = state.ctx
    future = ctx.control.join(job_id)
    try:
        # A poll that outlives the finish is not told that the lease was lost: it was used up.
        await touch(ctx, job_id, lease, closed_ok=True)
        commands = await pending_commands(ctx, job_id, lease, after=after, heard=heard)
        if not commands and not ctx.control.is_draining:
            await woken(request, future, min(wait, ctx.rhythm.long_poll))
            await touch(ctx, job_id, lease, closed_ok=True)
            commands = await pending_commands(ctx, job_id, lease, after=after, heard=heard)
    finally:
        ctx.control.leave(job_id, future)
    return ControlResponse(commands=[Command(id=c.id, type=c.type, text=c.text) for c in commands])


@router.post("/jobs/{job_id}/checkpoint", status_code=204)
async def checkpoint(
    state: State, job_id: JobId, lease: Lease, body: CheckpointRequest
) -> Response:
    """Record what was pushed to the attempt's own refs."""
    await record_checkpoint(state.ctx, job_id, lease, body)
    return Response(status_code=204)


@router.post("/jobs/{job_id}/session", status_code=204)
async def session(state: State, job_id: JobId, lease: Lease, body: SessionRequest) -> Response:
    """Record the agent's conversation that was pushed to the attempt's own ref."""
    await keep_session(state.ctx, job_id, lease, body)
    return Response(status_code=204)


@router.get("/jobs/{job_id}/session", response_model=SessionResponse)
async def session_position(state: State, job_id: JobId, lease: Lease) -> SessionResponse:
    """What is kept of the conversation that the job goes on with."""
    return await kept_session(state.ctx, job_id, lease)


@router.get(
    "/jobs/{job_id}/attachments/{attachment_id}",
    response_class=FileResponse,
    response_model=None,
    responses=BYTES,
)
async def attachment(
    state: State, job_id: JobId, attachment_id: AttachmentId, lease: Lease
) -> Response:
    """A file that is attached to the job's card, for its agent; checks get none."""
    return file_response(await open_for_job(state.ctx, job_id, lease, attachment_id), UNKNOWN)


@router.post("/jobs/{job_id}/finish", response_model=FinishResponse)
async def finish(state: State, job_id: JobId, lease: Lease, body: FinishRequest) -> FinishResponse:
    """End the attempt; the same lease gets the same answer again."""
    return FinishResponse(status=await finish_job(state.ctx, job_id, lease, body))
