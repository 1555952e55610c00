"""How soon those who follow a job's log hear of an entry, and what they cost while it says nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Final

from sqlalchemy import URL

from benchmarks.append import LoggedJob
from benchmarks.ground import connect, server
from benchmarks.meter import Meter
from benchmarks.runner import claimed
from benchmarks.table import Figure, milliseconds

FOLLOWERS: Final = 50
SILENCE_S: Final = 5.0
ROUNDS: Final = 30
PAUSE_S: Final = 0.3
"""Between entries: what comes at once is collected for a follower."""


async def measure(database: URL | None = None) -> list[Figure]:
    """Fifty follow one log that is silent, then says something now and then."""
    async with server(database=database) as running:
        wire = await connect(running)
        (each,) = await claimed(running, wire, 1)
        job = LoggedJob(*each)
        path = f"/api/jobs/{job.job['job_id']}/logs"
        followers = [await connect(running) for _ in range(FOLLOWERS)]
        streams = [
            follower.stream(follower.prepare("GET", path, headers="Accept: text/event-stream\r\n"))
            for follower in followers
        ]
        await job.runner.wire.reopen()
        await job.send(job.prepare(1, 1))
        await asyncio.gather(*(_hear(stream, job.told) for stream in streams))
        with Meter(running.process.pid) as silence:
            await asyncio.sleep(SILENCE_S)
        samples: list[float] = []
        for _ in range(ROUNDS):
            await asyncio.sleep(PAUSE_S)
            request = job.prepare(1, 1)
            await job.runner.wire.reopen()
            begun = time.perf_counter()
            await job.send(request)
            heard = await asyncio.gather(*(_hear(stream, job.told) for stream in streams))
            samples += [at - begun for at in heard]
        for one in (wire, job.runner.wire, *followers):
            await one.close()
    cost = silence.cpu / silence.seconds / FOLLOWERS
    return [
        Figure(f"entry to {FOLLOWERS} followers of its log p50 / p99", milliseconds(samples)),
        Figure("… CPU for each while it is silent", f"{cost:.2%}"),
    ]


async def _hear(stream: AsyncIterator[bytes], number: int) -> float:
    """When this entry came."""
    async for piece in stream:
        if b"id: %d\n" % number in piece:
            return time.perf_counter()
    raise RuntimeError("The stream ended.")
