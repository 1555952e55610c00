"""Wakes one waiting runner for each job that is queued (rules.md R12).

Only a hint: whoever wakes looks into the jobs table, which alone is the queue. Waking one instead of
all keeps 200 waiting runners from stalling every other request.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable
from itertools import count


class Waiter:
    """One runner's place in the line."""

    def __init__(self, number: int, agents: frozenset[str]) -> None:
        self.number = number
        self.agents = agents
        self.future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def is_woken(self) -> bool:
        """Whether someone passed it the baton."""
        return self.future.done()


class Dispatcher:
    """A first-in, first-out line of waiters."""

    def __init__(self) -> None:
        self._waiters: OrderedDict[int, Waiter] = OrderedDict()
        self._numbers = count()
        self.is_draining = False

    def join(self, agents: Iterable[str]) -> Waiter:
        """Stand in the line. Join before looking at the queue, or a job can slip between."""
        waiter = Waiter(next(self._numbers), frozenset(agents))
        self._waiters[waiter.number] = waiter
        return waiter

    def leave(self, waiter: Waiter, *, served: bool) -> None:
        """Leave the line; a woken waiter that takes nothing passes the baton on."""
        self._waiters.pop(waiter.number, None)
        if waiter.is_woken and not served:
            self.wake_any()

    def wake(self, agent: str) -> None:
        """Wake the first waiter that can run this agent."""
        for number, waiter in self._waiters.items():
            if agent in waiter.agents and not waiter.is_woken:
                del self._waiters[number]
                waiter.future.set_result(None)
                return

    def wake_any(self) -> None:
        """Wake the first waiter, whatever it can run."""
        if self._waiters:
            _, waiter = self._waiters.popitem(last=False)
            if waiter.is_woken:
                self.wake_any()
            else:
                waiter.future.set_result(None)

    def drain(self) -> None:
        """The server is leaving: wake everybody."""
        self.is_draining = True
        while self._waiters:
            self.wake_any()
