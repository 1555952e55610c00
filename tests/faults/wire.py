"""The network between one client and the server: it can be cut, go silent, and lose what it carries.

A TCP relay on loopback that reads along. A `Trap` is sprung by an exchange of the moment it waits for,
and acts at that very instant, while the exchange is held.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from faults.moments import Exchange, Moment, Stage

CHUNK: Final = 64 * 1024


@dataclass(slots=True)
class Trap:
    """Waits for a stage of an exchange of this moment. ``act`` is called once, with the wire that the
    exchange is on; true means that the exchange is lost."""

    moment: Moment
    stage: Stage
    act: Callable[[Wire], bool]
    sprung: threading.Event = field(default_factory=threading.Event)
    _is_disarmed: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def spring(self, wire: Wire, exchange: Exchange, stage: Stage) -> bool:
        """Act if this is it; whether the exchange is lost."""
        with self._lock:
            if self.sprung.is_set() or self._is_disarmed or stage is not self.stage:
                return False
            if not exchange.is_part_of(self.moment):
                return False
            is_lost = self.act(wire)
            self.sprung.set()
            return is_lost

    def disarm(self) -> bool:
        """Whether it has acted, also if it was still at it; from now on it does not."""
        with self._lock:
            self._is_disarmed = True
            return self.sprung.is_set()


class Lost(Exception):
    """The connection is gone."""


class Wire:
    """A relay to a port of this machine, in a thread of its own. Use as a context manager."""

    def __init__(self, name: str, port: int) -> None:
        self.name = name
        self.trap: Trap | None = None
        self._port = port
        self._is_cut = False
        self._loop = asyncio.new_event_loop()
        self._connections: set[asyncio.StreamWriter] = set()
        self._flows = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"wire {name}")

    def __enter__(self) -> Wire:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def url(self) -> str:
        """The server, by this wire."""
        return f"http://127.0.0.1:{self.port}"

    def cut(self) -> None:
        """End every connection and take none."""
        self._is_cut = True
        self._loop.call_soon_threadsafe(self._abort_all)

    def silence(self) -> None:
        """Carry nothing any more, and tell nobody."""
        self._loop.call_soon_threadsafe(self._flows.clear)

    def mend(self) -> None:
        """Be a good wire again. What was held back by a silence arrives now."""
        self._is_cut = False
        self._loop.call_soon_threadsafe(self._flows.set)

    def replace(self) -> None:
        """Be a new wire: what was held back by a silence never arrives, and nobody is told."""
        self._is_cut = False
        self._loop.call_soon_threadsafe(self._begin)

    def _begin(self) -> None:
        self._flows = asyncio.Event()
        self._flows.set()

    async def _listen(self) -> asyncio.Server:
        self._begin()
        return await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def _close(self) -> None:
        self._server.close()
        self._abort_all()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _abort_all(self) -> None:
        for writer in self._connections:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(writer)
        onward: asyncio.StreamWriter | None = None
        flows = self._flows
        try:
            await flows.wait()
            if self._is_cut:
                return
            answers, onward = await asyncio.open_connection("127.0.0.1", self._port)
            self._connections.add(onward)
            link = _Link(self, flows)
            asking = asyncio.ensure_future(link.carry(reader, onward, link.asks))
            answering = asyncio.ensure_future(link.carry(answers, writer, link.answers))
            await asyncio.wait({asking, answering}, return_when=asyncio.FIRST_COMPLETED)
            for task in (asking, answering):
                task.cancel()
            await asyncio.gather(asking, answering, return_exceptions=True)
        except OSError:
            pass  # nobody is there: the client is told by the end of its connection
        finally:
            for each in (writer, onward):
                if each is not None:
                    self._connections.discard(each)
                    each.close()


class _Link:
    """One connection through a wire, and the exchange that is on it. ``flows``: the wire carries."""

    def __init__(self, wire: Wire, flows: asyncio.Event) -> None:
        self._wire = wire
        self._flows = flows
        self._exchange: Exchange | None = None

    async def carry(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        look: Callable[[bytes], tuple[Exchange | None, Stage]],
    ) -> None:
        """Carry everything in one direction until it ends."""
        with contextlib.suppress(OSError, Lost):
            while chunk := await reader.read(CHUNK):
                exchange, stage = look(chunk)
                self._spring(exchange, stage)
                await self._flows.wait()
                writer.write(chunk)
                await writer.drain()
                if stage is Stage.ANSWERED:
                    self._spring(exchange, Stage.HEARD)

    def asks(self, chunk: bytes) -> tuple[Exchange | None, Stage]:
        """Bytes from the client."""
        begun = Exchange.begun_by(chunk)
        if begun is not None:
            self._exchange = begun
        if self._exchange is not None:
            self._exchange.asks(chunk)
        return self._exchange, Stage.ASKED

    def answers(self, chunk: bytes) -> tuple[Exchange | None, Stage]:
        """Bytes from the server."""
        if self._exchange is not None:
            self._exchange.answers(chunk)
        return self._exchange, Stage.ANSWERED

    def _spring(self, exchange: Exchange | None, stage: Stage) -> None:
        trap = self._wire.trap
        if trap is not None and exchange is not None and trap.spring(self._wire, exchange, stage):
            raise Lost
