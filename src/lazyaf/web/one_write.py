"""Sends the head of an answer and the beginning of its body in one.

uvicorn writes one after the other, and each write is a system call during which nothing else goes on: the
second is a sixth of what the least request costs.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HELD_MAX: Final = 64 * 1024
"""Bytes above which nothing waits for more."""


class OneWriteProtocol(HttpToolsProtocol):
    """uvicorn's own protocol, over a transport that gathers what is written in one turn of the loop."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, at the gathering transport."""
        super().connection_made(cast("asyncio.Transport", Gathering(transport, self.loop)))

    def handle_websocket_upgrade(self) -> None:
        """Leave the connection to the WebSocket, which writes each message in one anyway."""
        gathering = cast("Gathering", self.transport)
        gathering.flush()
        self.transport = gathering.plain
        super().handle_websocket_upgrade()


class Gathering:
    """A transport that writes at the end of the loop's turn, or when it holds enough."""

    def __init__(self, plain: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self.plain = plain
        self._loop = loop
        self._held: list[bytes] = []
        self._size = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.plain, name)

    def write(self, data: bytes) -> None:
        """Hold this for a moment."""
        if not self._held:
            self._loop.call_soon(self.flush)
        self._held.append(data)
        self._size += len(data)
        if self._size > HELD_MAX:
            self.flush()

    def close(self) -> None:
        """Close when everything is written."""
        self.flush()
        self.plain.close()

    def flush(self) -> None:
        """Write what is held now."""
        if self._held:
            self.plain.write(b"".join(self._held))
            self._held.clear()
            self._size = 0
