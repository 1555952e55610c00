"""What this machine could do at best: a web framework's route that does nothing, and a loop of inserts.

The route is served as LazyAF is (uvicorn, uvloop, httptools), the rows go through the same engine, so
that a figure can be given as a share of these; the same machine is three times as fast on one day as on
another.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from sqlalchemy import URL, Column, Integer, LargeBinary, MetaData, Table, insert

from benchmarks.meter import Meter
from benchmarks.wire import Wire
from lazyaf.store.engine import writer_engine

REQUESTS: Final = 500
"""Per client."""
ROWS: Final = 8_000
_ROWS: Final = Table(
    "bare", MetaData(), Column("id", Integer, primary_key=True), Column("body", LargeBinary)
)


class Patch(BaseModel):
    """As small a body as a real one."""

    title: str


async def bare_route(clients: int) -> tuple[float, str]:
    """What so many keep-alive clients get out of the bare route: requests a second, and the same in
    words."""
    async with _bare_server() as (url, pid):
        wires = [await Wire(url, "none").open() for _ in range(clients)]
        await asyncio.gather(*(_ask(wire, REQUESTS // 10) for wire in wires))
        with Meter(pid) as meter:
            await asyncio.gather(*(_ask(wire, REQUESTS) for wire in wires))
        for wire in wires:
            await wire.close()
    count = clients * REQUESTS
    return count / meter.seconds, meter.rate(count)


async def _ask(wire: Wire, count: int) -> None:
    request = wire.prepare("PATCH", "/", {"title": "A title"})
    for _ in range(count):
        await wire.send(request)


def bare_inserts(url: URL, together: int) -> str:
    """Small rows into a table of their own, so many in a transaction; how many a second."""
    engine = writer_engine(url)
    try:
        _ROWS.create(engine)
        statement = insert(_ROWS)
        with Meter() as meter:
            for first in range(0, ROWS, together):
                with engine.begin() as conn:
                    for number in range(first, first + together):
                        conn.execute(statement, {"id": number, "body": b"x" * 150})
    finally:
        _ROWS.drop(engine)
        engine.dispose()
    return meter.rate(ROWS)


@asynccontextmanager
async def _bare_server() -> AsyncIterator[tuple[str, int]]:
    """URL and process of a bare server; ``PATCH /`` takes a `Patch`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.bare", stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        port = int(await process.stdout.readline())
        yield f"http://127.0.0.1:{port}", process.pid
    finally:
        process.terminate()
        await process.communicate()


class _Server(uvicorn.Server):
    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        print(self.servers[0].sockets[0].getsockname()[1], flush=True)


def _main() -> None:
    app = FastAPI()

    @app.patch("/")
    async def echo(patch: Patch) -> Patch:
        return patch

    config = uvicorn.Config(
        app, port=0, loop="uvloop", http="httptools", access_log=False, log_level="error"
    )
    _Server(config).run()


if __name__ == "__main__":
    _main()
