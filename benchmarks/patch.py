"""How many PATCHes of cards 16 keep-alive clients get through, and how many fail; beside them what a
bare route of the same web framework gets through in the same run."""

from __future__ import annotations

import asyncio
import time

from benchmarks.bare import bare_route
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
        paths = [f"/api/cards/{card['id']}" for card in made]
        samples, failures, rate = await _load(wires, paths)
        await wire.close()
    bare, words = await bare_route(CLIENTS)
    return [
        Figure("PATCH with 16 clients", f"{rate:,.0f}/s", "≥ 2,000/s", "59/s"),
        Figure("… its failures", str(failures), "0", "14"),
        Figure("… its latency p50 / p99", milliseconds(samples)),
        Figure("… a bare FastAPI route", f"{words} ({rate / bare:.2f} of it)"),
    ]


async def _load(wires: list[Wire], paths: list[str]) -> tuple[list[float], int, float]:
    """All clients at once, a moment to warm up first; latencies, failures and requests per second."""
    pairs = list(zip(wires, paths, strict=True))
    await asyncio.gather(*(_edit(wire, path, 0.5) for wire, path in pairs))
    begun = time.perf_counter()
    results = await asyncio.gather(*(_edit(wire, path, SECONDS) for wire, path in pairs))
    elapsed = time.perf_counter() - begun
    samples = [sample for found, _ in results for sample in found]
    for wire in wires:
        await wire.close()
    return samples, sum(failed for _, failed in results), len(samples) / elapsed


async def _edit(wire: Wire, path: str, seconds: float) -> tuple[list[float], int]:
    requests = [wire.prepare("PATCH", path, {"title": f"Title {n}"}) for n in range(8)]
    samples: list[float] = []
    failures = 0
    end = time.perf_counter() + seconds
    while (begun := time.perf_counter()) < end:
        status, _, _ = await wire.send(requests[len(samples) % 8])
        samples.append(time.perf_counter() - begun)
        failures += status != 200
    return samples, failures
