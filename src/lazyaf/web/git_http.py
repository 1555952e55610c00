"""Git over HTTP: who may do what, then the stream of `lazyaf.git.smart_http` (rules.md R4, R7, R16)."""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request, Response
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from lazyaf.domain.errors import BadRequest, Forbidden, NotFound, Unauthenticated
from lazyaf.domain.events import PERSON
from lazyaf.git import smart_http
from lazyaf.git.policy import ORPHAN_LIMIT, PushPolicy
from lazyaf.services.after_push import branches_pushed
from lazyaf.services.protect_branches import approve_only
from lazyaf.services.reap import pack_key
from lazyaf.services.recovered_work import work_recovered
from lazyaf.services.repositories import find_repo
from lazyaf.services.tokens import GitGrant, is_attempt_live
from lazyaf.web.auth import State
from lazyaf.web.config import WebState
from lazyaf.web.errors import PROBLEMS

router = APIRouter(prefix="/git", tags=["git"], responses=PROBLEMS, include_in_schema=False)

NO_CACHE: Final = {"Cache-Control": "no-cache, max-age=0, must-revalidate", "Pragma": "no-cache"}
_ID: Final = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")


async def grant(request: Request, state: State) -> GitGrant:
    """What the Basic (or Bearer) credential of this request is good for."""
    password = _password(request.headers.get("authorization", ""))
    if password is None:
        if state.config.auth == "off":
            return GitGrant("person")
        raise Unauthenticated("git needs a password: `lazyaf ingest` and runners send theirs.")
    return await state.credentials.git(password)


def _password(header: str) -> str | None:
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip() or None
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[2] or None
    except (binascii.Error, UnicodeDecodeError):
        return None


Grant = Annotated[GitGrant, Depends(grant)]


async def _require(state: WebState, granted: GitGrant, repo_id: str) -> None:
    """Refuse another's repository as if it did not exist, so that a job learns nothing."""
    if not _ID.match(repo_id):
        raise NotFound("There is no such repository.")
    if granted.repo_id is not None and granted.repo_id != repo_id:
        raise Forbidden("This credential is for another repository.")
    await state.ctx.db.read(find_repo, repo_id)


def _require_live(granted: GitGrant, service: str) -> None:
    """What is left of a lost lease can leave its work, and no longer read."""
    if service == smart_http.UPLOAD_PACK and not granted.is_live:
        raise Forbidden("This job's attempt is over: its credential reads nothing any more.")


async def _policy(
    state: WebState, granted: GitGrant, repo_id: str, password: str | None
) -> PushPolicy:
    if granted.kind == "person":
        return PushPolicy(protected=await state.ctx.db.read(approve_only, repo_id))
    own = f"refs/lazyaf/jobs/{granted.job_id}/"
    if not granted.is_live:
        # What is left of a lost lease: leave the work as an orphan, once (R7).
        return PushPolicy(
            own_prefix=f"{own}orphan/{granted.attempt}",
            create_only=True,
            max_input_size=ORPHAN_LIMIT,
        )
    return PushPolicy(
        own_prefix=f"{own}{granted.attempt}/",
        still_allowed=partial(_still_live, state, password or ""),
    )


async def _still_live(state: WebState, password: str) -> bool:
    return await state.ctx.db.read(is_attempt_live, password)


@router.get("/{repo_id}.git/info/refs")
async def info_refs(
    request: Request, state: State, granted: Grant, repo_id: str, service: str = ""
) -> Response:
    """What the client sees before it fetches or pushes."""
    await _require(state, granted, repo_id)
    if service not in ("git-upload-pack", "git-receive-pack"):
        raise Forbidden("Only git's smart HTTP protocol is served: use a git client.")
    _require_live(granted, service)
    chunks = await smart_http.advertise(
        state.ctx.git,
        repo_id,
        service,
        request.headers.get("git-protocol"),
        await _policy(state, granted, repo_id, None),
    )
    return StreamingResponse(
        chunks, media_type=f"application/x-{service}-advertisement", headers=NO_CACHE
    )


@router.post("/{repo_id}.git/git-upload-pack")
async def upload_pack(request: Request, state: State, granted: Grant, repo_id: str) -> Response:
    """Fetch and clone."""
    return await _serve(request, state, granted, repo_id, "git-upload-pack")


@router.post("/{repo_id}.git/git-receive-pack")
async def receive_pack(request: Request, state: State, granted: Grant, repo_id: str) -> Response:
    """Push."""
    return await _serve(request, state, granted, repo_id, "git-receive-pack")


async def _serve(
    request: Request, state: WebState, granted: GitGrant, repo_id: str, service: str
) -> Response:
    await _require(state, granted, repo_id)
    _require_live(granted, service)
    if request.headers.get("content-type") != f"application/x-{service}-request":
        raise BadRequest(f"The content type must be application/x-{service}-request.")
    password = _password(request.headers.get("authorization", ""))
    key = pack_key(granted.job_id, granted.attempt) if granted.job_id is not None else None

    async def on_updated(moved: Sequence[tuple[str, str, str]]) -> None:
        if granted.kind == "person":
            await branches_pushed(state.ctx, repo_id, moved, PERSON)
        elif granted.job_id is not None and not granted.is_live:
            await work_recovered(state.ctx, granted.job_id)

    body = RequestBody(request)
    chunks = await smart_http.serve(
        state.ctx.git,
        repo_id,
        service,
        body.pieces(),
        content_encoding=request.headers.get("content-encoding"),
        protocol_header=request.headers.get("git-protocol"),
        policy=await _policy(state, granted, repo_id, password),
        pack_key=key,
        on_updated=on_updated if service == "git-receive-pack" else None,
    )
    return PackResponse(chunks, body, media_type=f"application/x-{service}-result")


class RequestBody:
    """The pieces of a request, and word of when they are all read."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self.is_read = asyncio.Event()

    async def pieces(self) -> AsyncIterator[bytes]:
        """Each piece; raises `starlette.requests.ClientDisconnect` when the client leaves."""
        try:
            async for piece in self._request.stream():
                yield piece
        finally:
            self.is_read.set()

    async def disconnected(self) -> None:
        """Return once the client has left. Nobody else may receive, so the body comes first."""
        await self.is_read.wait()
        while (await self._request.receive())["type"] != "http.disconnect":
            continue


class PackResponse(StreamingResponse):
    """Streams a pack while its request may still be coming in, and ends git when the client leaves.

    Starlette's own listening for a disconnection would take the request's pieces away from git.
    """

    def __init__(self, chunks: AsyncIterator[bytes], body: RequestBody, *, media_type: str) -> None:
        super().__init__(chunks, media_type=media_type, headers=NO_CACHE)
        self._chunks = chunks
        self._body = body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream until the end or the client's."""
        streaming = asyncio.create_task(self.stream_response(send))
        leaving = asyncio.create_task(self._body.disconnected())
        try:
            await asyncio.wait({streaming, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if streaming.done():
                streaming.result()
        except OSError:  # what a server says of sending to nobody
            return
        finally:
            for task in (streaming, leaving):
                task.cancel()
            await asyncio.gather(streaming, leaving, return_exceptions=True)
            if isinstance(self._chunks, AsyncGenerator):
                await self._chunks.aclose()


@router.get("/{repo_id}.git/HEAD")
async def head(state: State, granted: Grant, repo_id: str) -> Response:
    """The symbolic HEAD, for clients that look."""
    await _require(state, granted, repo_id)
    repo = await state.ctx.db.read(find_repo, repo_id)
    return Response(f"ref: refs/heads/{repo.default_branch}\n", media_type="text/plain")
