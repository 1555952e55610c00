"""An answer leaves in one write, and nothing waits for longer than a turn of the loop."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from lazyaf.web.one_write import HELD_MAX, Gathering, OneWriteProtocol


class Wire(asyncio.Transport):
    """A connection that notes what was done to it."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[bytes | str] = []

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        self.done.append(bytes(data))

    def close(self) -> None:
        self.done.append("closed")

    def is_closing(self) -> bool:
        return "closed" in self.done

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.done.append("handed on")

    def pause_reading(self) -> None:
        self.done.append("paused")


async def turn() -> None:
    """Let what is due in this turn of the loop happen."""
    await asyncio.sleep(0)


@pytest.fixture
def wire() -> Wire:
    return Wire()


def gathering(wire: Wire) -> Gathering:
    return Gathering(wire, asyncio.get_running_loop())


async def test_what_is_written_in_one_turn_leaves_in_one(wire: Wire) -> None:
    transport = gathering(wire)
    transport.write(b"head")
    transport.write(b"body")
    assert wire.done == []
    await turn()
    assert wire.done == [b"headbody"]
    transport.write(b"later")
    await turn()
    assert wire.done == [b"headbody", b"later"]


async def test_much_does_not_pile_up(wire: Wire) -> None:
    """A stream that never waits would otherwise be held in memory whole."""
    transport = gathering(wire)
    transport.write(b"head")
    transport.write(b"x" * HELD_MAX)
    assert wire.done == [b"head" + b"x" * HELD_MAX]
    transport.write(b"rest")
    await turn()
    assert wire.done[1:] == [b"rest"]


async def test_closing_loses_nothing_and_the_rest_is_the_transports_own(wire: Wire) -> None:
    transport = gathering(wire)
    transport.write(b"last words")
    transport.close()
    await turn()
    assert wire.done == [b"last words", "closed"]
    transport.pause_reading()
    assert transport.is_closing()
    assert wire.done[2:] == ["paused"]


async def serve(app: Any, wire: Wire, *further: bytes, held: bytes | None = None) -> None:
    """Let the protocol, as the server makes it, answer a request that has arrived. ``held``: what it has not
    written yet of the answer before."""
    config = uvicorn.Config(app, http=OneWriteProtocol, ws="websockets-sansio", lifespan="off")
    config.load()
    protocol = OneWriteProtocol(config, ServerState(), {})
    protocol.connection_made(wire)
    if held is not None:
        protocol.transport.write(held)
    protocol.data_received(b"\r\n".join([b"GET / HTTP/1.1", b"Host: here", *further, b"", b""]))
    for _ in range(5):
        await turn()


HEAD: dict[str, Any] = {"type": "http.response.start", "status": 200, "headers": []}


async def test_an_answer_is_one_write(wire: Wire) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({**HEAD, "headers": [(b"content-length", b"5")]})
        await send({"type": "http.response.body", "body": b"hello"})

    await serve(app, wire)
    (sent,) = wire.done
    assert isinstance(sent, bytes)
    assert sent.startswith(b"HTTP/1.1 200 OK\r\n")
    assert sent.endswith(b"\r\n\r\nhello")


async def test_the_head_of_a_stream_does_not_wait_for_its_body(wire: Wire) -> None:
    more = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(HEAD)
        await more.wait()
        await send({"type": "http.response.body", "body": b"late"})

    await serve(app, wire)
    assert len(wire.done) == 1
    more.set()
    for _ in range(3):
        await turn()
    assert wire.done[1] == b"4\r\nlate\r\n0\r\n\r\n"


async def test_a_websocket_has_the_connection_to_itself(wire: Wire) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": "one"})
        await send({"type": "websocket.send", "text": "two"})

    await serve(
        app,
        wire,
        b"Connection: Upgrade",
        b"Upgrade: websocket",
        b"Sec-WebSocket-Version: 13",
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    )
    texts = [each for each in wire.done if isinstance(each, bytes)]
    assert texts[0].startswith(b"HTTP/1.1 101 ")
    assert texts[1:3] == [b"\x81\x03one", b"\x81\x03two"]


async def test_what_is_held_comes_before_what_a_websocket_says_at_once(wire: Wire) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError("It is refused before.")

    keyless = (b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13")
    await serve(app, wire, *keyless, held=b"before")
    held, refusal, *_ = (each for each in wire.done if isinstance(each, bytes))
    assert held == b"before"
    assert refusal.startswith(b"HTTP/1.1 400 ")
