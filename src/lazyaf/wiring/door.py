"""The listener for runners in containers, opened by their pool once it knows at which address."""

from __future__ import annotations

import contextlib

import structlog

from lazyaf.domain.errors import Unavailable
from lazyaf.web.app import create_runner_app
from lazyaf.web.config import WebState
from lazyaf.web.server import SideServer, open_socket

log = structlog.get_logger(__name__)


class Door:
    """Serves ``/api/runner/v1`` and ``/git`` at one address. ``state`` is set before it is opened."""

    def __init__(self) -> None:
        self.state: WebState
        self._open: contextlib.AsyncExitStack | None = None
        self._at: tuple[str, int] | None = None
        self._port = 0

    async def open(self, host: str, port: int) -> int:
        """Listen there, unless that is done already; the port. Raises `Unavailable`."""
        if self._at == (host, port):
            return self._port
        await self.close()
        try:
            listener = open_socket(host, port)
        except OSError as error:
            raise Unavailable(
                f"Runners cannot be listened to on {host}:{port}: {error.strerror}. Choose another address "
                "with LAZYAF_RUNNER_BIND, or stop what uses it."
            ) from None
        self._port = listener.getsockname()[1]
        stack = contextlib.AsyncExitStack()
        await stack.enter_async_context(SideServer(create_runner_app(self.state), listener))
        self._open, self._at = stack, (host, port)
        log.info("runners_listened_to", host=host, port=self._port)
        return self._port

    async def close(self) -> None:
        """Listen no more."""
        if self._open is not None:
            await self._open.aclose()
        self._open = self._at = None
