"""Runs the application under uvicorn, and ends it in order (rules.md R17)."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from types import FrameType
from typing import Final

import uvicorn
from fastapi import FastAPI

from lazyaf.web.one_write import OneWriteProtocol

GRACEFUL_S: Final = 1

BeforeExit = Callable[[], Awaitable[None]]


def _config(app: FastAPI, proxies: Sequence[str] = ()) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        loop="uvloop",
        http=OneWriteProtocol,
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        ws_max_size=64 * 1024,
        access_log=False,
        log_level="warning",
        log_config=None,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=list(proxies),
        server_header=False,
        timeout_graceful_shutdown=GRACEFUL_S,
    )


class Server(uvicorn.Server):
    """A uvicorn that, at the first signal, lets ``before_exit`` run while it still serves: runners
    push what they have. A second signal does not wait. What ``proxies`` say about who asks is believed:
    addresses, networks, or ``*``."""

    def __init__(
        self, app: FastAPI, before_exit: BeforeExit, *, proxies: Sequence[str] = ()
    ) -> None:
        super().__init__(_config(app, proxies))
        self._before_exit = before_exit
        self._leaving: asyncio.Task[None] | None = None
        self.is_up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then say so."""
        await super().startup(sockets)
        # A terminal that closes is a wish to end, unless it was started so as to outlive it (nohup).
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._hang_up)
        self.is_up.set()

    def _hang_up(self) -> None:
        """Kernel and shell both tell of a closed terminal: the second word is not an impatient one."""
        if self._leaving is None:
            self.handle_exit(signal.SIGHUP, None)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal begins the end, a second one does not wait.

        Nothing is handed to uvicorn, which would raise the signal again when it is done and so kill
        the process before the database is closed.
        """
        if self._leaving is None and self.started:
            self._leaving = asyncio.get_running_loop().create_task(self._leave())
        else:
            self.should_exit = self.force_exit = True

    async def _leave(self) -> None:
        try:
            await self._before_exit()
        finally:
            self.should_exit = True


class SideServer(uvicorn.Server):
    """Another listener of the same process, which leaves signals to the first. Use as an async context
    manager; it serves until the block ends."""

    def __init__(self, app: FastAPI, listener: socket.socket) -> None:
        super().__init__(_config(app))
        self._listener = listener
        self._serving: asyncio.Task[None] | None = None

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield

    async def __aenter__(self) -> SideServer:
        self._serving = asyncio.create_task(self.serve(sockets=[self._listener]))
        return self

    async def __aexit__(self, *_: object) -> None:
        self.should_exit = True
        if self._serving is not None:
            await self._serving
        self._listener.close()


def open_socket(host: str, port: int) -> socket.socket:
    """A listening socket, bound before anything else starts, so that a taken port is told at once.

    Raises `OSError`.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    return listener
