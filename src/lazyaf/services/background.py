"""Work that nobody waits for, or that goes on when who waited has left; and work that is done again and again.

What `Background.run` was given may be lost at a crash, because something else would do it again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

import structlog

from lazyaf.domain.errors import LazyafError

log = structlog.get_logger(__name__)
T = TypeVar("T")


class Background:
    """Runs coroutines and keeps hold of them until they end."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Begin it now; its errors are its own to handle."""
        self._begin(work)

    async def finish(self, work: Coroutine[Any, Any, T]) -> T:
        """Do it and wait for what it returns or raises. A client that leaves, or a connection that breaks,
        ends the waiting and not the work: nothing stops between an effect and its confirmation."""
        return await asyncio.shield(self._begin(work))

    def _begin(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def settle(self) -> None:
        """Wait until everything that was begun is done."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)


async def repeat(every: float, turn: Callable[[], Awaitable[object]], failed: str) -> None:
    """Take a turn after each ``every`` seconds, until cancelled. What a turn raises goes to the log as
    ``failed``, and the next turn comes all the same."""
    while True:
        await asyncio.sleep(every)
        try:
            await turn()
        except LazyafError as error:  # the database is away, mostly; it says so itself
            log.warning(failed, detail=error.detail)
        except Exception as error:
            log.error(failed, exc_info=error)


async def ended(task: asyncio.Task[None] | None) -> None:
    """Cancel a task that goes on for ever, and return when it has ended; None was never begun."""
    if task is not None:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
