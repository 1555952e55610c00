"""What a list of 1,000 cards costs: made anew after a change, and unchanged."""

from __future__ import annotations

import time

from benchmarks.ground import cards, connect, server
from benchmarks.table import Figure, percentile

CARDS = 1000
ROUNDS = 60
ENCODING = "Accept-Encoding: zstd\r\n"


async def measure() -> list[Figure]:
    """Alternate a change with a list, then repeat the list with its ETag."""
    async with server() as running:
        wire = await connect(running)
        repo_id, made = await cards(wire, CARDS)
        listing = f"/api/repos/{repo_id}/cards?limit=1000"
        fresh: list[float] = []
        unchanged: list[float] = []
        size, etag = 0, ""
        for n in range(ROUNDS):
            await wire.call("PATCH", f"/api/cards/{made[n]['id']}", {"priority": n % 5})
            begun = time.perf_counter()
            _, headers, body = await wire.send(wire.prepare("GET", listing, headers=ENCODING))
            fresh.append(time.perf_counter() - begun)
            size, etag = len(body), headers["etag"]
        again = wire.prepare("GET", listing, headers=f"{ENCODING}If-None-Match: {etag}\r\n")
        for _ in range(ROUNDS * 5):
            begun = time.perf_counter()
            status, _, _ = await wire.send(again)
            unchanged.append(time.perf_counter() - begun)
            if status != 304:
                raise RuntimeError(f"An unchanged list answered {status}.")
        await wire.close()
    return [
        Figure("list of 1,000 cards", _median(fresh), "≤ 6 ms", "31 ms"),
        Figure("… bytes on the wire", f"{size / 1000:.0f} KB", "≤ 100 KB", "861 KB"),
        Figure("… unchanged", _median(unchanged), "≤ 1 ms"),
    ]


def _median(samples: list[float]) -> str:
    return f"{percentile(samples, 0.5) * 1e3:.2f} ms (p99 {percentile(samples, 0.99) * 1e3:.2f})"
