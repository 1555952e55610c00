"""Jobs: their facts, their logs and what a person can say to a running one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Header, Query, Request, Response
from starlette.responses import StreamingResponse

from lazyaf.services.cancel_job import cancel_all, cancel_job, send_command, show_job
from lazyaf.services.read_log import LogSlice, read_log
from lazyaf.web import schemas
from lazyaf.web.auth import Person, State, bearer_of
from lazyaf.web.config import WebState
from lazyaf.web.errors import PROBLEMS
from lazyaf.web.paging import JobId
from lazyaf.web.ready_json import ready_json

router = APIRouter(prefix="/api/jobs", tags=["jobs"], responses=PROBLEMS)

PAGE: Final = 1000
FALLBACK_S: Final = 1.0
"""How often a followed log is looked at without a nudge, which is only a hint."""
BREATH_S: Final = 0.2
"""What follows on entries is collected for so long: a chatty job costs a follower five looks a second."""
KEEP_ALIVE_S: Final = 15.0
"""After so much silence a stream says that it lives, or a proxy before the server would cut it."""

Number = Annotated[int, Query(ge=0, le=2**53)]
LastEventId = Annotated[int | None, Header(alias="Last-Event-ID", ge=0, le=2**53)]


@router.post("/cancel-all", response_model=schemas.Cancelled)
async def post_cancel_all(state: State, person: Person) -> dict[str, int]:
    """Stop every job that waits or runs, in all repositories; the work so far is kept."""
    return {"cancelled": await cancel_all(state.ctx, person)}


@router.get("/{job_id}", response_model=schemas.Job)
async def get_job(state: State, job_id: JobId) -> dict[str, Any]:
    """One job."""
    return await state.ctx.db.read(show_job, job_id)


@router.get(
    "/{job_id}/logs",
    response_model=schemas.LogPage,
    responses={200: {"content": {"text/event-stream": {}, "text/plain": {}}}},
)
async def get_logs(
    request: Request,
    state: State,
    job_id: JobId,
    after: Number = 0,
    before: Annotated[int | None, Query(ge=1, le=2**53)] = None,
    limit: Annotated[int, Query(ge=1, le=2000)] = 500,
    shape: Annotated[Literal["entries", "raw"], Query(alias="format")] = "entries",
    last_event_id: LastEventId = None,
) -> Response:
    """A page of the log by cursor; a stream of it with ``Accept: text/event-stream``, which a client
    takes up by ``after`` or as `EventSource` does, by ``Last-Event-ID``; the whole as text with
    ``?format=raw``."""
    after = after if last_event_id is None else last_event_id
    first = await state.ctx.db.read(read_log, job_id, after=after, before=before, limit=limit)
    if shape == "raw":
        name = f'attachment; filename="lazyaf-{job_id}.log"'
        return StreamingResponse(
            _raw(state, job_id), media_type="text/plain", headers={"Content-Disposition": name}
        )
    if "text/event-stream" in request.headers.get("accept", ""):
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(
            _events(state, job_id, after, bearer_of(request)),
            media_type="text/event-stream",
            headers=headers,
        )
    return ready_json(_page(first, after))


def _page(found: LogSlice, after: int) -> str:
    last = found.items[-1]["seq"] if found.items else after
    return json.dumps(
        {
            "items": [_complete(item) for item in found.items],
            "next_after": last,
            "last_seq": found.last_seq,
            "is_final": found.is_final,
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )


_DEFAULTS: Final[dict[str, Any]] = {
    "text": "",
    "name": None,
    "call_id": None,
    "input": None,
    "is_error": False,
    "detail": None,
    "usage": None,
    "raw": None,
}


def _complete(item: dict[str, Any]) -> dict[str, Any]:
    return {**_DEFAULTS, **item}


async def _events(
    state: WebState, job_id: str, after: int, token: str | None
) -> AsyncIterator[str]:
    """Entries as they come, then ``end``, or until the token is good no more. No transaction stays
    open between them."""
    silent_s = 0.0
    while token is None or await state.credentials.is_good(token):
        nudge = state.ctx.followers.join(job_id)  # before looking, or an entry slips in between
        try:
            found = await state.ctx.db.read(read_log, job_id, after=after, before=None, limit=PAGE)
            if found.items:
                after, silent_s = found.items[-1]["seq"], 0.0
                yield "".join(_event(item) for item in found.items)
                has_more = found.is_final or found.last_seq > after
                await asyncio.sleep(0 if has_more else BREATH_S)
            elif found.is_final:
                yield "event: end\ndata: {}\n\n"
                return
            elif state.ctx.followers.is_draining:
                return
            elif not (await asyncio.wait({nudge}, timeout=FALLBACK_S))[0]:
                silent_s += FALLBACK_S
                if silent_s >= KEEP_ALIVE_S:
                    silent_s = 0.0
                    yield ":\n\n"
        finally:
            state.ctx.followers.leave(job_id, nudge)


def _event(item: dict[str, Any]) -> str:
    text = json.dumps(_complete(item), ensure_ascii=False, separators=(",", ":"))
    return f"id: {item['seq']}\ndata: {text}\n\n"


async def _raw(state: WebState, job_id: str) -> AsyncIterator[str]:
    """The log as text: the agent's own lines where there are some, else the entries' texts."""
    after = 0
    while True:
        found = await state.ctx.db.read(read_log, job_id, after=after, before=None, limit=PAGE)
        if not found.items:
            return
        after = found.items[-1]["seq"]
        yield "".join(f"{item.get('raw') or _line(item)}\n" for item in found.items)


def _line(item: dict[str, Any]) -> str:
    words = [f"[{item['kind']}]", item.get("name") or "", item.get("text") or ""]
    return " ".join(word for word in words if word)


@router.post("/{job_id}/cancel", response_model=schemas.Job)
async def post_cancel(state: State, person: Person, job_id: JobId) -> dict[str, Any]:
    """Stop the job; the work so far is kept."""
    return await cancel_job(state.ctx, job_id, person)


@router.post("/{job_id}/message", status_code=202)
async def post_message(state: State, job_id: JobId, body: schemas.MessageRequest) -> Response:
    """Say something to the running agent."""
    await send_command(state.ctx, job_id, "message", body.text)
    return Response(status_code=202)


@router.post("/{job_id}/interrupt", status_code=202)
async def post_interrupt(state: State, job_id: JobId) -> Response:
    """Interrupt the agent's turn without ending the job."""
    await send_command(state.ctx, job_id, "interrupt", None)
    return Response(status_code=202)
