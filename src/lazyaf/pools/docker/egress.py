"""Tells the egress proxy which container may reach what, and hears from it what was refused.

The proxy knows containers by their address. It is spoken to on its stdin, one JSON object a line, and
says on its stdout whom it refused; nothing is written to a disk that either shares with the server.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Sequence
from typing import Final

import structlog
from aiodocker.stream import Stream

from lazyaf.domain.errors import Unavailable
from lazyaf.pools.docker.engine import Engine

log = structlog.get_logger(__name__)

WAIT_S: Final = 5.0
LINE_MAX: Final = 4096
_TAKEN: Final = re.compile(r"ALLOW (\S+) ")
_REFUSED: Final = re.compile(r"REFUSED (\S+) (\S{1,300})")


class Egress:
    """What is allowed, and the conversation with the proxy while there is one. ``refused`` is told the
    address of a container and the host that it did not reach."""

    def __init__(self, refused: Callable[[str, str], None]) -> None:
        self._refused = refused
        self._allowed: dict[str, list[str]] = {}
        self._awaited: dict[str, asyncio.Future[None]] = {}
        self._stream: Stream | None = None
        self._connected = asyncio.Event()

    async def allow(self, address: str, hosts: Sequence[str]) -> None:
        """Let this address reach these hosts and no others; returns once the proxy has said so. Raises
        `Unavailable` without a proxy."""
        self._allowed[address] = list(dict.fromkeys(hosts))
        heard = self._awaited.setdefault(address, asyncio.get_running_loop().create_future())
        try:
            async with asyncio.timeout(WAIT_S):
                await self._connected.wait()
                await self._say(address)
                await asyncio.shield(heard)
        except (TimeoutError, OSError, RuntimeError):
            raise Unavailable("The egress proxy cannot be spoken to. It is tried again.") from None

    async def forget(self, address: str) -> None:
        """Let it reach nothing; now, or as soon as the proxy hears again."""
        self._allowed[address] = []
        if self._connected.is_set():
            await self._say(address)

    async def talk(self, engine: Engine, container_id: str) -> None:
        """Speak with the proxy in this container until it ends; it is told everything anew."""
        async with engine.conversation(container_id) as stream:
            self._stream = stream
            for address in list(self._allowed):
                await self._say(address)
            self._connected.set()
            try:
                await self._listen(stream)
            finally:
                self._connected.clear()
                self._stream = None

    async def _say(self, address: str) -> None:
        if self._stream is not None:
            said = {"source": address, "allow": self._allowed[address]}
            await self._stream.write_in(json.dumps(said).encode() + b"\n")

    async def _listen(self, stream: Stream) -> None:
        rest = b""
        while (message := await stream.read_out()) is not None:
            *lines, rest = (rest + message.data).split(b"\n")
            rest = rest[-LINE_MAX:]
            for line in lines:
                self._hear(line.decode("utf-8", "replace"))

    def _hear(self, line: str) -> None:
        if found := _REFUSED.match(line):
            self._refused(found[1], found[2])
        elif found := _TAKEN.match(line):
            heard = self._awaited.pop(found[1], None)
            if heard is not None:
                heard.set_result(None)
