"""How soon 100 browsers see a change, also while one of them never reads."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import websockets
from websockets.asyncio.client import ClientConnection

from benchmarks.ground import cards, connect, server
from benchmarks.table import Figure, milliseconds
from benchmarks.wire import Wire

CLIENTS = 100
ROUNDS = 80


async def measure() -> list[Figure]:
    """Each round changes a card and waits until every client has heard of it."""
    async with server() as running:
        wire = await connect(running)
        _, made = await cards(wire, 1)
        card_id = made[0]["id"]
        sockets = [await _follow(running.url, running.token) for _ in range(CLIENTS)]
        calm = await _rounds(wire, card_id, sockets)
        stuck = await _never_read(running.url, running.token)
        hindered = await _rounds(wire, card_id, sockets)
        for socket in sockets:
            await socket.close()
        stuck.transport.abort()
        await wire.close()
    return [
        Figure("event to 100 sockets p50 / p99", milliseconds(calm), "p99 ≤ 10 ms"),
        Figure("… while one never reads", milliseconds(hindered), "p99 ≤ 10 ms", "froze for good"),
    ]


async def _follow(url: str, token: str) -> ClientConnection:
    socket = await websockets.connect(
        url.replace("http", "ws", 1) + "/ws",
        subprotocols=[websockets.Subprotocol(p) for p in ("lazyaf", f"lazyaf.token.{token}")],
        compression=None,
        proxy=None,
    )
    await socket.send('{"after": null}')
    await socket.recv()
    return socket


async def _never_read(url: str, token: str) -> ClientConnection:
    socket = await _follow(url, token)
    socket.transport.pause_reading()
    return socket


async def _rounds(wire: Wire, card_id: str, sockets: list[ClientConnection]) -> list[float]:
    samples: list[float] = []
    for n in range(ROUNDS):
        # Long enough that a client which does not read fills its buffers within the rounds.
        body: dict[str, Any] = {"title": f"{n} " + "x" * 190, "labels": ["y" * 50] * 20}
        hearing = [asyncio.create_task(_hear(socket, f"{n} ")) for socket in sockets]
        await asyncio.sleep(0)
        begun = time.perf_counter()
        await wire.call("PATCH", f"/api/cards/{card_id}", body)
        samples += [await heard - begun for heard in hearing]
    return samples


async def _hear(socket: ClientConnection, start: str) -> float:
    while True:
        event = json.loads(await socket.recv())
        if event["type"] == "card.updated" and event["data"]["card"]["title"].startswith(start):
            return time.perf_counter()
