"""A job of a million entries: whether its last append costs what the first did, what the server's memory
grows by, and how soon the log opens."""

from __future__ import annotations

import statistics
import time
from typing import Any, Final

import psutil
from sqlalchemy import URL, create_engine, func, select

from benchmarks.append import BATCH, LoggedJob
from benchmarks.ground import connect, server
from benchmarks.meter import Meter
from benchmarks.runner import claimed
from benchmarks.table import Figure, milliseconds
from benchmarks.wire import Wire
from lazyaf.store.engine import sqlite_url
from lazyaf.store.tables import job_logs

ENTRIES: Final = 1_000_000
PARTS: Final = 10
"""The requests are prepared part by part, so that this process stays small."""
ROUNDS: Final = 50
PAGE: Final = 500


async def measure(database: URL | None = None) -> list[Figure]:
    """Append a million, open the log at its end and in its middle, and take all of it as text."""
    async with server(database=database) as running:
        wire = await connect(running)
        (each,) = await claimed(running, wire, 1)
        job = LoggedJob(*each)
        path = f"/api/jobs/{job.job['job_id']}/logs"
        process = psutil.Process(running.process.pid)
        await job.send(job.prepare(100, BATCH))  # what is loaded or grown once, by any job
        before = process.memory_info().rss
        samples: list[float] = []
        parts = [Meter(running.process.pid) for _ in range(PARTS)]
        requests = (ENTRIES - job.told) // BATCH // PARTS
        for part in parts:
            prepared = job.prepare(requests, BATCH)
            await job.runner.wire.reopen()
            with part:
                samples += await job.send(prepared)
        appended = process.memory_info().rss
        await wire.reopen()
        last = await _pages(wire, [f"{path}?before={2**53}&limit={PAGE}"] * ROUNDS)
        step = ENTRIES // ROUNDS
        middle = await _pages(
            wire, [f"{path}?after={n * step}&limit={PAGE}" for n in range(ROUNDS)]
        )
        wrong = await job.wrong(wire)
        size, seconds = await _whole(wire, f"{path}?format=raw")
        streamed = process.memory_info().rss
        await wire.close()
        await job.runner.close()
        stored = _stored(database or sqlite_url(running.data_dir / "lazyaf.db"))
    first, final = samples[:requests], samples[-requests:]
    growth = statistics.median(final) / statistics.median(first)
    cost = parts[-1].cpu / parts[0].cpu
    return [
        Figure(f"{ENTRIES:,} entries: append of {BATCH} p50 / p99", milliseconds(samples)),
        Figure("… the last tenth to the first", f"{growth:.2f}, in CPU {cost:.2f}", "flat"),
        Figure("… server RSS growth", _mb(appended - before), "≤ 50 MB"),
        Figure("… lost, doubled or out of order", str(wrong), "0"),
        Figure("… bytes at rest, each", f"{stored / ENTRIES:.0f}"),
        Figure("… opened at its end p50 / p99", milliseconds(last), "≤ 200 ms"),
        Figure("… anywhere by cursor p50 / p99", milliseconds(middle), "≤ 200 ms"),
        Figure("… all as text", f"{size / 1e6:.0f} MB in {seconds:.1f} s"),
        Figure("… server RSS growth by that", _mb(streamed - appended)),
    ]


async def _pages(wire: Wire, paths: list[str]) -> list[float]:
    samples = []
    for path in paths:
        begun = time.perf_counter()
        page: Any = await wire.call("GET", path)
        samples.append(time.perf_counter() - begun)
        if len(page["items"]) != PAGE:
            raise RuntimeError(f"{path} has {len(page['items'])} entries.")
    return samples


async def _whole(wire: Wire, path: str) -> tuple[int, float]:
    """Bytes and seconds of a long answer, none of which is kept."""
    begun = time.perf_counter()
    size = sum([len(piece) async for piece in wire.stream(wire.prepare("GET", path))])
    return size, time.perf_counter() - begun


def _stored(url: URL) -> int:
    engine = create_engine(url)
    with engine.connect() as conn:
        size = conn.execute(select(func.sum(func.length(job_logs.c.body)))).scalar_one()
    engine.dispose()
    return int(size)


def _mb(size: int) -> str:
    return f"{size / 1e6:.0f} MB"
