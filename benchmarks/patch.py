"""How many PATCHes of cards 16 keep-alive clients get through, and how many fail."""

from __future__ import annotations

import asyncio
import time

from benchmarks.ground import cards, connect, server
from benchmarks.table import Figure, milliseconds
from benchmarks.wire import Wire

CLIENTS = 16
SECONDS = 6.0


async def measure() -> list[Figure]:
    """Each client edits its own card as fast as it is answered."""
    async with server() as running:
        wire = await connect(running)
        _, made = await cards(wire, CLIENTS)
        wires = [await connect(running) for _ in range(CLIENTS)]
        await asyncio.gather(*(_edit(w, c["id"], 0.5) for w, c in zip(wires, made, strict=True)))
        begun = time.perf_counter()
        results = await asyncio.gather(
            *(_edit(w, c["id"], SECONDS) for w, c in zip(wires, made, strict=True))
        )
        elapsed = time.perf_counter() - begun
        samples = [s for found, _ in results for s in found]
        failures = sum(failed for _, failed in results)
        for each in (*wires, wire):
            await each.close()
    rate = len(samples) / elapsed
    return [
        Figure("PATCH with 16 clients", f"{rate:,.0f}/s", "≥ 2,000/s", "59/s"),
        Figure("… its failures", str(failures), "0", "14"),
        Figure("… its latency p50 / p99", milliseconds(samples)),
    ]


async def _edit(wire: Wire, card_id: str, seconds: float) -> tuple[list[float], int]:
    requests = [
        wire.prepare("PATCH", f"/api/cards/{card_id}", {"title": f"Title {n}"}) for n in range(8)
    ]
    samples: list[float] = []
    failures = 0
    end = time.perf_counter() + seconds
    while (begun := time.perf_counter()) < end:
        status, _, _ = await wire.send(requests[len(samples) % 8])
        samples.append(time.perf_counter() - begun)
        failures += status != 200
    return samples, failures
