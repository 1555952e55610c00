"""``/ws``: the live feed. The client says where it stands, gets what it missed, then what happens.

No transaction is held while a socket is open (rules.md R5).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any, Final

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from lazyaf.domain.errors import LazyafError
from lazyaf.web.auth import TOKEN_PROTOCOL, bearer_of, person_of
from lazyaf.web.config import WebState, state_of
from lazyaf.web.feed import Subscriber

PROTOCOL: Final = "lazyaf"
HELLO_TIMEOUT_S: Final = 10.0
UNAUTHENTICATED: Final = 4401
GOING_AWAY: Final = 1012
TOO_SLOW: Final = 1013
PING: Final = '{"type": "ping"}'
PONG: Final = '{"type": "pong"}'

router = APIRouter()


@router.websocket("/ws")
async def live(socket: WebSocket) -> None:
    """Authenticate, hear the cursor, then stream."""
    state = state_of(socket)
    protocol = PROTOCOL if PROTOCOL in socket.scope.get("subprotocols", []) else None
    try:
        token = await _authenticate(socket, state)
    except LazyafError as error:
        await socket.accept(subprotocol=protocol)
        await socket.close(UNAUTHENTICATED, error.detail[:120])
        return
    await socket.accept(subprotocol=protocol)
    subscriber = await state.feed.subscribe()
    try:
        after = await _hello(socket, state)
        if after is not None:
            await _serve(socket, state, subscriber, after, token)
    except (WebSocketDisconnect, RuntimeError):
        return  # the client left; RuntimeError is Starlette's word for sending after that
    finally:
        state.feed.unsubscribe(subscriber)


async def _authenticate(socket: WebSocket, state: WebState) -> str | None:
    """The text of the person's token; None when nobody is asked for one."""
    if state.config.auth == "off":
        return None
    offered = socket.scope.get("subprotocols", [])
    token = next((p[len(TOKEN_PROTOCOL) :] for p in offered if p.startswith(TOKEN_PROTOCOL)), None)
    token = token or bearer_of(socket)
    await person_of(state, token)
    return token


async def _hello(socket: WebSocket, state: WebState) -> int | None:
    """Where the client wants to begin; None after it was told why not."""
    try:
        said: Any = json.loads(await asyncio.wait_for(socket.receive_text(), HELLO_TIMEOUT_S))
        cursor = said.get("after")
        valid = cursor is None or isinstance(cursor, str)
    except (ValueError, AttributeError, KeyError, TimeoutError, RecursionError):
        valid = False
    if not valid:
        await socket.close(1003, 'send {"after": "<epoch>:<id>"} first')
        return None
    after = await state.feed.position(cursor)
    if after is None:
        await socket.send_text(json.dumps({"type": "reset"}))
        after = await state.feed.position(None) or 0
    await socket.send_text(json.dumps({"type": "hello", "cursor": state.feed.cursor(after)}))
    return after


async def _serve(
    socket: WebSocket, state: WebState, subscriber: Subscriber, after: int, token: str | None
) -> None:
    """Until the client leaves, the server leaves, the client turns out to be too slow, or its token is
    good no more."""
    sender = asyncio.create_task(_send(socket, state, subscriber, after))
    reader = asyncio.create_task(_drain(socket))
    dropped = asyncio.create_task(subscriber.dropped.wait())
    refused = asyncio.create_task(_refused(state, token))
    tasks: set[asyncio.Task[Any]] = {sender, reader, dropped, refused}
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    for task in done:
        task.result()
    if refused in done:
        await _say_goodbye(socket, UNAUTHENTICATED, "this token is not good any more")
    elif dropped in done:
        await _say_goodbye(socket, TOO_SLOW, "too slow; resume by cursor")


async def _refused(state: WebState, token: str | None) -> None:
    """Return once the token was revoked or has expired."""
    if token is None:
        await asyncio.Event().wait()
    else:
        await state.credentials.ended(token)


async def _say_goodbye(socket: WebSocket, code: int, reason: str) -> None:
    """Close a socket whose buffers may be full, so that even this may not get through."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(socket.close(code, reason), 1)


async def _drain(socket: WebSocket) -> None:
    """Read on, so that pings are answered and a departure is noticed. A browser's script sees nothing of
    WebSocket's own pings, so it may ask in words whether anybody is there."""
    while (said := await socket.receive())["type"] != "websocket.disconnect":
        if said.get("text") == PING:
            await socket.send_text(PONG)


async def _send(socket: WebSocket, state: WebState, subscriber: Subscriber, after: int) -> None:
    while after < state.feed.last_id:  # what was missed, page by page, from the table
        items = await state.feed.since(after)
        if not items:
            break
        for item in items:
            await socket.send_text(item.text)
        after = items[-1].id
    while (new := await subscriber.queue.get()) is not None:
        if new.id > after:  # the queue may hold what the table already gave
            await socket.send_text(new.text)
            after = new.id
    await socket.close(GOING_AWAY, "the server is restarting")
