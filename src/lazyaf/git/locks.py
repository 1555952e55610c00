"""The lock of one repository: many share it, one may have it alone (R9).

Sharing is held by pushes, merges and reads; the exclusive side by prune and delete. Someone who
waits for the exclusive side does not keep new sharers out, so that a holder may share again
without a deadlock; `close` does keep them out, for good. In-process only: one server per data
directory (R18). Every change of state is synchronous, so a cancelled task leaves nothing behind.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from lazyaf.domain.errors import NotFound


class RepositoryLock:
    """Shared and exclusive holds of one repository, on one event loop."""

    def __init__(self) -> None:
        self._sharers = 0
        self._exclusive = False
        self._closed = False
        self._waiting: list[asyncio.Future[None]] = []

    async def share(self) -> None:
        """Hold together with other sharers, until `release`. Raises `NotFound` once the repository is
        closing."""
        while self._exclusive and not self._closed:
            await self._changed()
        if self._closed:
            raise NotFound("This repository is being deleted.")
        self._sharers += 1

    def release(self) -> None:
        """Hold it no more."""
        self._sharers -= 1
        self._wake()

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[None]:
        """Hold alone; waits for every sharer to leave."""
        while self._exclusive or self._sharers:
            await self._changed()
        self._exclusive = True
        try:
            yield
        finally:
            self._exclusive = False
            self._wake()

    def close(self) -> None:
        """Refuse every new sharer from now on."""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)
        self._waiting.clear()

    async def _changed(self) -> None:
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        await waiter
