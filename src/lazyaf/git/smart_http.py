"""Smart HTTP without a web framework: the two requests of git's protocol as streams of bytes.

The transport parses HTTP, decides who may do what (`PushPolicy`) and writes the chunks out; here
the request is judged before anything is spawned, and git does the rest. Specification:
gitprotocol-http, gitprotocol-v2.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import replace
from typing import Final

from lazyaf.domain.errors import BadRequest, DiedSilent, Forbidden, NotFound
from lazyaf.git import command
from lazyaf.git.body import Body, ClientGone
from lazyaf.git.pack import OnUpdated, RunningPack, Transfer
from lazyaf.git.pktline import (
    DELIM,
    FLUSH,
    REPORTS,
    ZERO,
    PushParser,
    PushRequest,
    encode,
    is_pkt_length,
    refusal,
)
from lazyaf.git.policy import PushPolicy
from lazyaf.git.storage import Storage

__all__ = ["RECEIVE_PACK", "UPLOAD_PACK", "OnUpdated", "PushPolicy", "advertise", "serve"]

UPLOAD_PACK: Final = "git-upload-pack"
RECEIVE_PACK: Final = "git-receive-pack"

STALL: Final = 120.0
"""Seconds that a client may neither send nor take anything before it counts as gone."""

FETCH_LIMIT: Final = 64 * 1024 * 1024
"""Bytes of wants and haves in one request."""

PUSH_SLACK: Final = 64 * 1024 * 1024
"""Bytes that a push may be longer than its pack may, so that git gets to say it is too large."""

_NO_BEGINNING: Final = frozenset({DELIM, b"0002"})

_PROTOCOL: Final = re.compile(r"[A-Za-z0-9=:._-]{1,200}")


async def advertise(
    storage: Storage,
    repo_id: str,
    service: str,
    protocol_header: str | None,
    policy: PushPolicy,
) -> AsyncIterator[bytes]:
    """The body of ``GET info/refs?service=…``: refs and capabilities.

    ``protocol_header`` is the request's ``Git-Protocol``. Raises `NotFound`, `Forbidden` (a push
    that the policy does not allow), `BadRequest` (another service).
    """
    _require_service(service, policy)
    answer = await _advertised(storage, repo_id, service, protocol_header, policy)
    bare = service == UPLOAD_PACK and answer.stdout.startswith(encode(b"version 2\n"))
    preamble = b"" if bare else encode(f"# service={service}\n".encode()) + FLUSH
    return _whole(preamble + answer.stdout)


async def _advertised(
    storage: Storage, repo_id: str, service: str, protocol_header: str | None, policy: PushPolicy
) -> command.Completed:
    # Protocol v2 begins with what this git can do, which says nothing of the repository.
    offer = tuple(s for s in policy.settings("") if s[0].startswith("uploadpack."))
    is_constant = service == UPLOAD_PACK and protocol_header == "version=2"
    async with storage.shared(repo_id):
        if is_constant and offer in storage.offers:
            return storage.offers[offer]
        answer = await command.run(
            [*_args(storage, repo_id, service, policy), "--http-backend-info-refs",
             str(storage.path(repo_id))],
            env=_env(protocol_header),
        )  # fmt: skip
        if is_constant:
            storage.offers[offer] = answer
        return answer


async def serve(
    storage: Storage,
    repo_id: str,
    service: str,
    body: AsyncIterator[bytes],
    *,
    content_encoding: str | None = None,
    protocol_header: str | None = None,
    policy: PushPolicy,
    pack_key: str | None = None,
    on_updated: OnUpdated | None = None,
    stall: float = STALL,
) -> AsyncIterator[bytes]:
    """The body of ``POST git-upload-pack`` or ``git-receive-pack``, once its first bytes are there.

    ``body`` yields the request's bytes and raises anything when the client goes away.
    ``pack_key`` is the lease to which `Storage.end_packs` ends it. ``on_updated`` hears of the refs
    that git says it moved, before the answer ends. Close the iterator (``aclose``) when the client
    is gone. Raises `NotFound`, `Forbidden`, `BadRequest`, `TooLarge`, `GitFailed` or the reason for
    which it was ended, all before the first chunk unless git had begun to speak.
    """
    _require_service(service, policy)
    if not storage.exists(repo_id):
        raise NotFound("There is no such repository.")
    pushing = service == RECEIVE_PACK
    most = min(policy.max_input_size, storage.quota.push)
    room = await storage.quota.room(storage.path(repo_id)) if pushing else 0
    policy = replace(policy, max_input_size=max(1, min(most, room)))
    limit = most + PUSH_SLACK if pushing else FETCH_LIMIT
    incoming = Body(body, content_encoding=content_encoding, limit=limit, stall=stall)
    try:
        head = await incoming.peek(5)
        if head == FLUSH:  # git's probe before a chunked request
            return _whole(b"")
        if not is_pkt_length(head[:4]) or head[:4] in _NO_BEGINNING:
            raise BadRequest("The body is no git protocol.")
        request = await _push_request(incoming) if pushing else None
        refused = policy.judge(request) if request else None
        if request and room <= 0 and any(new != ZERO for _, new, _ in request.commands):
            refused = refused or storage.quota.refusal  # what only deletes makes room
        if request and refused:
            await incoming.discard()
            return _whole(refusal(request.commands, request.capabilities, refused))
    except ClientGone:
        raise BadRequest("The request ended before its end.") from None
    transfer = Transfer(
        repo_id=repo_id,
        service=service,
        args=[*_args(storage, repo_id, service, policy), "--stateless-rpc",
              str(storage.path(repo_id))],
        env=_env(protocol_header),
        stall=stall,
        commands=request.commands if request else (),
        key=pack_key,
        still_allowed=policy.still_allowed if pushing else None,
        on_updated=on_updated,
    )  # fmt: skip
    try:
        return await _begun(RunningPack(storage, transfer, incoming).chunks())
    except DiedSilent as died:
        # The repository that still answers was not at fault: git could not take the request. What
        # git says of it differs from version to version, so nothing is read out of its words.
        await _advertised(storage, repo_id, service, None, policy)
        raise BadRequest(f"git cannot take this request. {died.detail}") from None


def _require_service(service: str, policy: PushPolicy) -> None:
    if service not in {UPLOAD_PACK, RECEIVE_PACK}:
        raise BadRequest("The service is git-upload-pack or git-receive-pack.")
    if service == RECEIVE_PACK and not policy.allow_push:
        raise Forbidden("This credential may read, but not push.")


def _args(storage: Storage, repo_id: str, service: str, policy: PushPolicy) -> list[str]:
    hooks = storage.no_hooks if policy.still_allowed is None else storage.asking_hooks
    settings = [("-c", f"{key}={value}") for key, value in policy.settings(str(hooks))]
    return [word for pair in settings for word in pair] + [service.removeprefix("git-")]


def _env(protocol_header: str | None) -> dict[str, str]:
    if protocol_header is None or not _PROTOCOL.fullmatch(protocol_header):
        return command.child_env()
    return command.child_env({"GIT_PROTOCOL": protocol_header})


async def _push_request(incoming: Body) -> PushRequest:
    """Read up to the flush of the commands, and put everything back for git."""
    parser, read = PushParser(), []
    while piece := await incoming.read():
        read.append(piece)
        request = parser.feed(piece)
        if request is not None:
            if request.commands and not request.capabilities & REPORTS:
                raise BadRequest(
                    "A push must ask for its report: without, nobody knows how it went."
                )
            incoming.unread(b"".join(read))
            return request
    raise BadRequest("The push commands are incomplete.")


async def _whole(answer: bytes) -> AsyncGenerator[bytes, None]:
    if answer:
        yield answer


async def _begun(chunks: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """The stream, once its first chunk or its failure is there: a status can still be chosen."""
    first = await anext(chunks, b"")
    return _resumed(first, chunks)


async def _resumed(
    first: bytes, chunks: AsyncGenerator[bytes, None]
) -> AsyncGenerator[bytes, None]:
    try:
        yield first
        async for chunk in chunks:
            yield chunk
    finally:
        await chunks.aclose()
