"""How soon 100 and 1,000 browsers see a change, also while one of them never reads.

The listeners look for a mark in the bytes as they arrive: a WebSocket library that decodes a hundred
messages costs this process more than they cost the server, and would be what is measured.
"""

from __future__ import annotations

import asyncio
import base64
import gc
import itertools
import os
import time
from typing import Any, Final, cast
from urllib.parse import urlsplit

from sqlalchemy import URL
from tests.support.server import ServerProcess

from benchmarks.ground import cards, connect, server
from benchmarks.meter import Meter
from benchmarks.table import Figure, milliseconds
from benchmarks.wire import Wire

ROUNDS: Final = {100: 80, 1000: 40}
"""How many changes are told to how many clients."""
_numbers = itertools.count()


class Listener(asyncio.Protocol):
    """One socket that follows the feed. ``heard`` is when the awaited mark came."""

    def __init__(self, running: ServerProcess) -> None:
        self._running = running
        self._kept = b""
        self._mark = b"\r\n\r\n"
        self.heard: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask to become a WebSocket."""
        self.transport = cast("asyncio.Transport", transport)
        key = base64.b64encode(os.urandom(16)).decode()
        self.transport.write(
            f"GET /ws HTTP/1.1\r\nHost: {urlsplit(self._running.url).netloc}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Protocol: lazyaf, lazyaf.token.{self._running.token}\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        """Look for the mark, also across two pieces."""
        seen = self._kept + data
        if not self.heard.done() and self._mark in seen:
            self.heard.set_result(time.perf_counter())
        self._kept = seen[-100:]

    def listen_for(self, mark: bytes) -> asyncio.Future[float]:
        """Forget what came, and wait for this mark."""
        self._mark, self._kept = mark, b""
        self.heard = asyncio.get_running_loop().create_future()
        return self.heard


def _masked(text: bytes) -> bytes:
    """A short text frame of a client; a mask of zeros changes nothing."""
    return bytes((0x81, 0x80 | len(text), 0, 0, 0, 0)) + text


async def measure(database: URL | None = None) -> list[Figure]:
    """Each round changes a card and waits until every client has heard of it."""
    async with server(database=database) as running:
        wire = await connect(running)
        _, made = await cards(wire, 1)
        card_id = made[0]["id"]
        hundred = [await _follow(running) for _ in range(100)]
        calm = await _rounds(wire, card_id, hundred)
        stuck = await _follow(running)
        stuck.transport.pause_reading()
        hindered = await _rounds(wire, card_id, hundred)
        stuck.transport.abort()
        thousand = hundred + [await _follow(running) for _ in range(900)]
        with Meter(running.process.pid) as meter:
            crowded = await _rounds(wire, card_id, thousand)
        for each in thousand:
            each.transport.abort()
        await wire.close()
    return [
        Figure("event to 100 sockets p50 / p99", milliseconds(calm), "p99 ≤ 10 ms"),
        Figure("… while one never reads", milliseconds(hindered), "p99 ≤ 10 ms", "froze for good"),
        Figure("… to 1,000 sockets", milliseconds(crowded), "p99 ≤ 50 ms"),
        Figure("… for each of them", meter.each(len(crowded))),
    ]


async def _follow(running: ServerProcess) -> Listener:
    parts = urlsplit(running.url)
    loop = asyncio.get_running_loop()
    _, listener = await loop.create_connection(
        lambda: Listener(running), str(parts.hostname), int(parts.port or 80)
    )
    await listener.heard
    greeted = listener.listen_for(b'"hello"')
    listener.transport.write(_masked(b'{"after": null}'))
    await greeted
    return listener


async def _rounds(wire: Wire, card_id: str, listeners: list[Listener]) -> list[float]:
    samples: list[float] = []
    await wire.reopen()  # connecting the listeners took its time
    gc.freeze()  # or this process's own pauses would be among the samples
    for _ in range(ROUNDS[len(listeners)]):
        mark = f"Round {next(_numbers):05} "
        # Long enough that a client which does not read fills its buffers within the rounds.
        body: dict[str, Any] = {"title": mark + "x" * 185, "labels": ["y" * 50] * 20}
        hearing = [each.listen_for(mark.encode()) for each in listeners]
        begun = time.perf_counter()
        await wire.call("PATCH", f"/api/cards/{card_id}", body)
        samples += [await heard - begun for heard in hearing]
    return samples
