"""How many log entries a second the server keeps: one per request, and in batches as runners send them."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

from sqlalchemy import URL
from tests.support.server import ServerProcess

from benchmarks.bare import bare_inserts, bare_route
from benchmarks.ground import connect, server
from benchmarks.meter import Meter
from benchmarks.runner import Runner, claimed
from benchmarks.table import Figure
from benchmarks.wire import Wire
from lazyaf.store.engine import sqlite_url

ENTRIES: Final = 20_000
CLIENTS: Final = 16
BATCH: Final = 500
BATCHES: Final = 400


def entry(number: int) -> dict[str, Any]:
    """A line of a test run, as a runner tells it; no two are alike."""
    mark = number * 2_654_435_761 % 2**32
    return {
        "at": f"2026-11-05T10:{number // 60 % 60:02}:{number % 60:02}.{mark % 10**6:06}Z",
        "kind": "stdout",
        "text": f"tests/unit/test_{mark % 97}.py::test_{mark:08x} PASSED [{number % 101:3}%]",
    }


async def measure(database: URL | None = None) -> list[Figure]:
    """Sixteen at once, each with a job of its own; then one of them alone; then with batches. Beside
    them what the framework and the database could do."""
    share = ENTRIES // CLIENTS
    async with server(database=database) as running:
        wire = await connect(running)
        jobs = [LoggedJob(*each) for each in await claimed(running, wire, CLIENTS)]
        rates = [
            await _load(running, jobs, share, 1),
            await _load(running, jobs[:1], share, 1),
            await _load(running, jobs[:1], BATCHES, BATCH),
        ]
        await wire.reopen()
        wrong = sum([await job.wrong(wire) for job in jobs])
        for each in (wire, *(job.runner.wire for job in jobs)):
            await each.close()
        running.stop()  # of a PostgreSQL database one server is the only writer
        file = sqlite_url(running.data_dir / "bare.db")
        inserts = await asyncio.to_thread(bare_inserts, database or file, CLIENTS)
    _, route = await bare_route(CLIENTS)
    return [
        Figure(f"log entries, one per request, {CLIENTS} clients", rates[0], "≥ 3,000/s"),
        Figure("… one client", rates[1]),
        Figure(f"… one client, in batches of {BATCH}", rates[2], "≥ 200,000/s"),
        Figure("… lost, doubled or out of order", str(wrong), "0"),
        Figure(f"… a bare FastAPI route, {CLIENTS} clients", route),
        Figure(f"… bare inserts, {CLIENTS} to a commit", inserts),
    ]


async def _load(running: ServerProcess, jobs: list[LoggedJob], requests: int, size: int) -> str:
    """All jobs at once; entries per second."""
    prepared = [job.prepare(requests, size) for job in jobs]
    for job in jobs:
        await job.runner.wire.reopen()  # preparing took its time
    with Meter(running.process.pid) as meter:
        await asyncio.gather(*map(LoggedJob.send, jobs, prepared))
    return meter.rate(len(jobs) * requests * size)


class LoggedJob:
    """A claimed job and how many entries it was told."""

    def __init__(self, runner: Runner, job: Any) -> None:
        self.runner = runner
        self.job = job
        self.told = 0

    def prepare(self, requests: int, size: int) -> list[bytes]:
        """Requests of this many entries each, in order."""
        numbers = range(self.told + 1, self.told + 1 + requests * size, size)
        self.told += requests * size
        return [self.runner.log(self.job, n, [entry(n + i) for i in range(size)]) for n in numbers]

    async def send(self, requests: list[bytes]) -> list[float]:
        """One after the other, each as soon as the one before was answered; how long each took."""
        samples = []
        for request in requests:
            begun = time.perf_counter()
            status, _, body = await self.runner.wire.send(request)
            samples.append(time.perf_counter() - begun)
            if status != 200:
                raise RuntimeError(f"A batch was refused: {status} {body.decode()}")
        return samples

    async def wrong(self, wire: Wire) -> int:
        """How many entries are not what was told at their place in the log."""
        found, after = 0, 0
        while True:
            path = f"/api/jobs/{self.job['job_id']}/logs?after={after}&limit=2000"
            page = await wire.call("GET", path)
            if not page["items"]:
                return abs(self.told - after) + self.told - found
            for item in page["items"]:
                after += 1
                told = entry(after)
                found += item["seq"] == after and told.items() <= item.items()
