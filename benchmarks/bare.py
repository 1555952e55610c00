"""What this machine could do at best: one FastAPI route that parses a body and does nothing.

Served as LazyAF is (uvicorn, uvloop, httptools), so that a figure can be given as a share of it; the
same machine is three times as fast on one day as on another.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel


class Patch(BaseModel):
    """As small a body as a real one."""

    title: str


@asynccontextmanager
async def bare_server() -> AsyncIterator[str]:
    """The URL of a bare server in a process of its own; ``PATCH /`` takes a `Patch`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.bare", stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        port = int(await process.stdout.readline())
        yield f"http://127.0.0.1:{port}"
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
