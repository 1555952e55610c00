"""What an idle server takes: the resident memory of the serve process without runners."""

from __future__ import annotations

import psutil

from benchmarks.ground import connect, server
from benchmarks.table import Figure


async def measure() -> list[Figure]:
    """After a first request, so that nothing is left to be loaded."""
    async with server() as running:
        wire = await connect(running)
        await wire.call("GET", "/api/repos")
        await wire.close()
        rss = psutil.Process(running.process.pid).memory_info().rss
    return [Figure("idle RSS of serve --pool none", f"{rss / 1e6:.0f} MB", "≤ 100 MB")]
