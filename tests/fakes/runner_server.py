"""A scripted server for the runner: the real protocol on a real port, real git behind it, no database.

It hands out the jobs it is given (`runner_state`), keeps what the runner sends by the protocol's own rules
(`runner_answers`, `runner_git`), and can be told to fail, to fence and to be away.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from fakes.runner_answers import RunnerAnswers
from fakes.runner_git import RunnerGit
from lazyaf.protocol import PREFIX


class _Server(uvicorn.Server):
    """uvicorn in the tests' loop, that says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """The tests' signals are their own."""
        yield


class RunnerServer(RunnerAnswers, RunnerGit):
    """See the module. Use `running` around a test."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._server: _Server | None = None
        self._serving: asyncio.Task[None] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[RunnerServer]:
        await self.start()
        try:
            yield self
        finally:
            await self.stop()

    async def start(self) -> None:
        """Listen, on the same port as before if there was one."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        self.port = listener.getsockname()[1]
        config = uvicorn.Config(
            self._app(), log_level="critical", lifespan="off", timeout_graceful_shutdown=0
        )
        self._server = _Server(config)
        self._serving = asyncio.ensure_future(self._server.serve([listener]))
        await self._server.listening.wait()

    async def stop(self) -> None:
        """Be gone: connections are cut, the port refuses."""
        if self._server is not None and self._serving is not None:
            self._server.should_exit = self._server.force_exit = True
            for connection in list(self._server.server_state.connections):
                connection.transport.abort()  # type: ignore[union-attr]
            await self._serving
            self._server = None

    def _app(self) -> Starlette:
        job = PREFIX + "/jobs/{job_id}"
        routes = [
            Route(PREFIX + "/register", self._register, methods=["POST"]),
            Route(PREFIX + "/claim", self._claim, methods=["POST"]),
            Route(PREFIX + "/leftovers", self._leftovers, methods=["POST"]),
            Route(PREFIX + "/heartbeat", self._heartbeat, methods=["POST"]),
            Route(job + "/log", self._log, methods=["POST"]),
            Route(job + "/log", self._log_position, methods=["GET"]),
            Route(job + "/control", self._control, methods=["GET"]),
            Route(job + "/checkpoint", self._checkpoint, methods=["POST"]),
            Route(job + "/session", self._keep_session, methods=["POST"]),
            Route(job + "/session", self._kept_session, methods=["GET"]),
            Route(job + "/attachments/{attachment_id}", self._attachment, methods=["GET"]),
            Route(job + "/finish", self._finish, methods=["POST"]),
            Route("/git/{repo}.git/info/refs", self._advertise, methods=["GET"]),
            Route("/git/{repo}.git/{service}", self._serve, methods=["POST"]),
        ]
        for route in routes:
            route.app = self._scripted(route.app)
        return Starlette(routes=routes)

    def _scripted(self, app: Any) -> Any:
        """The route, unless a failure is scripted for its path."""

        async def scripted(scope: Any, receive: Any, send: Any) -> None:
            path = scope["path"]
            self.requests.append(path)
            await self._notify()
            for suffix in [s for s in self.held if path.endswith(s)]:
                send = _after(self.held.pop(suffix), send)
            failure = next((f for f in self.failures if path.endswith(f.suffix) and f.times), None)
            if failure is None:
                await app(scope, receive, send)
            else:
                failure.times -= 1
                if failure.after:
                    await app(scope, receive, _nowhere)
                answer = JSONResponse(
                    failure.body, failure.status, failure.headers, "application/problem+json"
                )
                await answer(scope, receive, send)
            await self._notify()

        return scripted


def _after(event: asyncio.Event, send: Any) -> Any:
    """An answer that waits for something, although what was asked for is done."""

    async def held(message: Any) -> None:
        await event.wait()
        await send(message)

    return held


async def _nowhere(message: Any) -> None:
    """Where a lost answer goes."""
