"""How many claims a second the server answers while 10,000 jobs are queued."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from sqlalchemy import URL, create_engine, insert, select
from tests.support.server import ServerProcess

from benchmarks.ground import connect, server
from benchmarks.meter import Meter
from benchmarks.runner import Runner
from benchmarks.table import Figure
from lazyaf.store.engine import sqlite_url
from lazyaf.store.tables import cards, jobs
from lazyaf.system import new_id

QUEUED: Final = 10_000
RUNNERS: Final = 50
ROUNDS: Final = 100


async def measure(database: URL | None = None) -> list[Figure]:
    """Fifty runners claim at once, again and again; ending the jobs in between does not count."""
    async with server(database=database) as running:
        await _one_queued(running)
        running.stop()
        _multiply(database or sqlite_url(running.data_dir / "lazyaf.db"))
        running.start()
        runners = [await Runner.register(running, f"bench-{n}") for n in range(RUNNERS)]
        meter = Meter(running.process.pid)
        for _ in range(ROUNDS):
            with meter:
                claimed = await asyncio.gather(*(runner.claim() for runner in runners))
            await asyncio.gather(*map(Runner.fail, runners, claimed))
        for runner in runners:
            await runner.close()
    rate = meter.rate(RUNNERS * ROUNDS)
    return [Figure(f"claims with {QUEUED:,} jobs queued", rate, "≥ 2,000/s")]


async def _one_queued(running: ServerProcess) -> None:
    wire = await connect(running)
    await wire.call("POST", "/api/demo")  # a repository with content, and a card that is started
    await wire.close()


def _multiply(url: URL) -> None:
    """Copy the queued job and its card; through the API this would take most of the time."""
    engine = create_engine(url)
    with engine.begin() as conn:
        job = _only(conn.execute(select(jobs)))
        card = _only(conn.execute(select(cards).where(cards.c.id == job["card_id"])))
        pairs = [(new_id(), new_id(), 1000 + n) for n in range(QUEUED)]
        conn.execute(
            insert(cards), [{**card, "id": c, "job_id": j, "number": n} for c, j, n in pairs]
        )
        conn.execute(insert(jobs), [{**job, "id": j, "card_id": c} for c, j, _ in pairs])
    engine.dispose()


def _only(found: Any) -> dict[str, Any]:
    return dict(found.one()._mapping)
