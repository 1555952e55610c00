"""The ground a benchmark stands on: a server in a temporary directory, with a repository and cards."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL
from tests.support.server import ServerProcess

from benchmarks.wire import Wire


@asynccontextmanager
async def server(*args: str, database: URL | None = None) -> AsyncIterator[ServerProcess]:
    """A server without runners of its own, on SQLite or on this database."""
    env = {}
    if database is not None:
        env["LAZYAF_DATABASE_URL"] = database.render_as_string(hide_password=False)
    with (
        tempfile.TemporaryDirectory(prefix="lazyaf-bench-") as folder,
        ServerProcess(Path(folder) / "data", env, "--pool", "none", *args) as running,
    ):
        yield running


async def connect(running: ServerProcess, token: str | None = None) -> Wire:
    """A connection as the person of this machine, or with another token."""
    return await Wire(running.url, token or running.token).open()


async def cards(wire: Wire, count: int) -> tuple[str, list[dict[str, Any]]]:
    """A repository and this many cards in To Do."""
    repo = await wire.call("POST", "/api/repos", {"name": "bench"})
    made = [
        await wire.call(
            "POST",
            f"/api/repos/{repo['id']}/cards",
            {
                "title": f"Card {n}: make the thing do what it should",
                "description": "Words. " * 40,
                "labels": ["bench", f"area-{n % 7}"],
            },
        )
        for n in range(count)
    ]
    return repo["id"], made
