"""Wakes one waiting runner for each job that is queued (rules.md R12).

Only a hint: whoever wakes looks into the jobs table, which alone is the queue. Waking one instead of
all keeps 200 waiting runners from stalling every other request; whoever looks in vain does so for all
who can run no more than they.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import count


@dataclass(frozen=True, slots=True)
class Baton:
    """Word that there may be a job for this agent, or (None) room for any number of jobs. For waiters
    who joined the line before ``limit``: who came later has looked into the queue since. For the
    agents ``barren`` somebody has looked in vain."""

    agent: str | None
    limit: int
    barren: frozenset[str] = frozenset()

    def is_for(self, waiter: Waiter) -> bool:
        """Whether this waiter may find something."""
        useful = waiter.agents if self.agent is None else waiter.agents & {self.agent}
        return not useful <= self.barren


class Waiter:
    """One runner's place in the line. ``baton`` is set when it is woken."""

    def __init__(self, number: int, agents: frozenset[str]) -> None:
        self.number = number
        self.agents = agents
        self.baton: Baton | None = None
        self.future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def is_woken(self) -> bool:
        """Whether it was given a baton."""
        return self.future.done()


class Dispatcher:
    """A first-in, first-out line of waiters."""

    def __init__(self) -> None:
        self._waiters: OrderedDict[int, Waiter] = OrderedDict()
        self._numbers = count()
        self.is_draining = False
        self.news = 0
        """How often somebody was to be woken. Whoever looks into the queue, and joins when there was none
        since, has missed nothing."""

    def join(self, agents: Iterable[str]) -> Waiter:
        """Stand in the line; look into the queue again if there was `news` since the last look."""
        waiter = Waiter(next(self._numbers), frozenset(agents))
        self._waiters[waiter.number] = waiter
        return waiter

    def leave(self, waiter: Waiter) -> Baton | None:
        """Leave the line. A baton that comes back is to be used (look into the queue again) or to be
        passed on."""
        self._waiters.pop(waiter.number, None)
        return waiter.baton

    def pass_on(self, baton: Baton | None) -> None:
        """Whoever holds the baton does not look, or has not found all there is: wake the next one."""
        if baton is None:
            return
        for waiter in self._waiters.values():
            if waiter.number >= baton.limit:
                return
            if baton.is_for(waiter):
                self._give(waiter, baton)
                return

    def looked(self, baton: Baton | None, agents: frozenset[str], *, found: bool) -> None:
        """Whoever holds the baton has looked into the queue: for these agents in vain, unless they
        ``found`` a job. Where there was one there may be more, if it was room that they were woken for."""
        if baton is None or (found and baton.agent is not None):
            return
        self.pass_on(baton if found else replace(baton, barren=baton.barren | agents))

    def wake(self, agent: str) -> None:
        """A job was queued: wake the first waiter that can run this agent."""
        self.news += 1
        self.pass_on(Baton(agent, self._next()))

    def wake_for_room(self) -> None:
        """Jobs that were held may be free now: wake the first waiter. Each that finds one wakes the
        next, until there is none left for anyone's agents."""
        self.news += 1
        self.pass_on(Baton(None, self._next()))

    def drain(self) -> None:
        """The server is leaving: wake everybody."""
        self.is_draining = True
        for waiter in list(self._waiters.values()):
            self._give(waiter, Baton(None, 0))

    def _next(self) -> int:
        return next(self._numbers)

    def _give(self, waiter: Waiter, baton: Baton) -> None:
        del self._waiters[waiter.number]
        waiter.baton = baton
        waiter.future.set_result(None)
