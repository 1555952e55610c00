"""Why work must stop before its agent is done, told once to everybody who works on it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from enum import IntEnum
from typing import Any, Final, TypeVar

from lazyaf.protocol.messages import Limits

T = TypeVar("T")

LEAVE_S: Final = 2.0
"""What a running agent gets when the runner itself must go (rule R17)."""


class Cause(IntEnum):
    """Why. A later one wins over an earlier one of lower rank."""

    STALLED = 1
    """The agent said nothing for its idle limit."""
    TIMED_OUT = 2
    """The job's limit is over."""
    CANCELLED = 3
    """A person stopped it."""
    LEAVING = 4
    """The runner was told to go: the work tree stays and is taken up later."""
    ABSENT = 5
    """The server is away for longer than the grace: the work tree stays."""
    FENCED = 6
    """The lease is lost: the work becomes an orphan."""


ENDS_ATTEMPT = frozenset({Cause.LEAVING, Cause.ABSENT, Cause.FENCED})
"""Causes after which this runner may not or cannot finish the job."""


class Stopped(Exception):
    """Work was interrupted; the `Stop` knows why."""


class Stop:
    """A latch that carries its cause."""

    def __init__(self) -> None:
        self.cause: Cause | None = None
        self._any = asyncio.Event()
        self._ends = asyncio.Event()

    def request(self, cause: Cause) -> None:
        """Ask for a stop. Harmless when there is a stronger cause already."""
        if self.cause is None or cause > self.cause:
            self.cause = cause
        self._any.set()
        if self.cause in ENDS_ATTEMPT:
            self._ends.set()

    def grace(self, limits: Limits) -> float:
        """Seconds between SIGTERM and SIGKILL for what runs."""
        return LEAVE_S if self.cause is Cause.LEAVING else limits.cancel_grace_s

    async def wait(self) -> None:
        """Return as soon as a stop was asked for."""
        await self._any.wait()

    async def race(self, work: Coroutine[Any, Any, T]) -> T:
        """The work's result, or `Stopped` if any stop comes first; the work is then cancelled."""
        return await _race(work, self._any)

    async def race_end(self, work: Coroutine[Any, Any, T]) -> T:
        """As `race`, but only a cause that ends the attempt interrupts."""
        return await _race(work, self._ends)


async def _race(work: Coroutine[Any, Any, T], stop: asyncio.Event) -> T:
    task = asyncio.ensure_future(work)
    watcher = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({task, watcher}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise Stopped
    finally:
        for each in (task, watcher):
            each.cancel()
        await asyncio.gather(task, watcher, return_exceptions=True)
