"""A server in a simulated world: its clocks obey the test, and its power can fail at any write.

Services, database and git are the real ones; there is no transport. What is simulated is time and
the death of the process: after `Simulation.restart` nothing that lived in memory is there any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import URL

from factories.moments import FrozenClock, SequentialIds
from factories.scene import Scene, make_context
from lazyaf.services.housekeeping import TICK_S, Housekeeping
from lazyaf.services.presence import LATE_S
from lazyaf.services.recover import recover
from lazyaf.store.database import SqlDatabase

STEP_S = TICK_S + LATE_S
"""Ticks so far from each other are still no late ones: time passes in such steps."""
FIRST_ID = 0x10000
"""Where ids begin, so that none is one of the template's."""


class TwoClocks(FrozenClock):
    """Both clocks go on together, and the wall's can be set besides."""

    def __init__(self) -> None:
        super().__init__()
        self._offset = timedelta()

    def now(self) -> str:
        shown = datetime.fromisoformat(super().now()) + self._offset
        return shown.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def set_wall(self, seconds: float) -> None:
        """Someone set the clock: forward, or back."""
        self._offset += timedelta(seconds=seconds)


class ServerDied(BaseException):
    """The process is gone. No service can catch that."""


@dataclass(frozen=True)
class Cut:
    """The power fails at this write, after its commit or before it."""

    write: int
    is_committed: bool


class Power:
    """A database whose server may die: the `lazyaf.domain.ports.Database` of a simulation."""

    def __init__(self, db: SqlDatabase) -> None:
        self._db = db
        self._cut: Cut | None = None
        self.is_out = False

    def fail_at(self, cut: Cut) -> None:
        self._cut = cut

    def restore(self) -> None:
        self._cut, self.is_out = None, False

    async def read(self, fn: Any, *args: Any, **kwargs: Any) -> Any:
        if self.is_out:
            raise ServerDied
        return await self._db.read(fn, *args, **kwargs)

    async def write(self, fn: Any, *args: Any, **kwargs: Any) -> Any:
        return await self._unless_out(lambda: self._db.write(fn, *args, **kwargs))

    async def write_together(self, fn: Any, item: Any) -> Any:
        return await self._unless_out(lambda: self._db.write_together(fn, item))

    async def _unless_out(self, write: Callable[[], Awaitable[Any]]) -> Any:
        if self._cut is not None:
            self._cut = replace(self._cut, write=self._cut.write - 1)
        is_last = self._cut is not None and self._cut.write < 0
        if self.is_out or (is_last and self._cut and not self._cut.is_committed):
            self.is_out = True
            raise ServerDied
        done = await write()
        if is_last:
            self.is_out = True
            raise ServerDied
        return done


class Simulation:
    """One server, on a database and a directory of repositories that exist already."""

    def __init__(self, url: URL, root: Path) -> None:
        self._root = root
        self._loop = asyncio.new_event_loop()
        self._ids = SequentialIds()
        self._ids._last = FIRST_ID
        self.clock = TwoClocks()
        self.db = SqlDatabase(url, self.clock)
        self.db.start()
        self.power = Power(self.db)
        self.runs = 0
        """Grows with whatever may change something."""
        self._begin()

    def close(self) -> None:
        self.power.restore()
        self.run(self.scene.ctx.background.settle())
        self.db.close()
        self._loop.close()

    def run(self, work: Awaitable[Any]) -> Any:
        """Await it to its end."""
        self.runs += 1

        async def awaited() -> Any:
            return await work

        return self._loop.run_until_complete(awaited())

    def run_until_dead(self, work: Awaitable[Any], cut: Cut | None) -> tuple[Any, bool]:
        """What came of it, and whether the server died of it. Then another one has begun."""
        if cut is None:
            return self.run(work), False
        self.power.fail_at(cut)
        try:
            return self.run(work), False
        except ServerDied:
            self.restart()
            return None, True
        finally:
            self.power.restore()

    def restart(self) -> None:
        """The process is killed and another one starts."""
        self.power.restore()
        self._begin()

    def _begin(self) -> None:
        scene = Scene.__new__(Scene)
        scene.db, scene.clock, scene.new_id = self.power, self.clock, self._ids
        scene.ctx = make_context(self.power, self._root, self.clock, self._ids)
        self.scene = scene

        async def nothing() -> None:
            return

        self._housekeeping = Housekeeping(scene.ctx, nothing)
        self.run(recover(scene.ctx))

    def ticking(self) -> Awaitable[None]:
        """The housekeeping has its turn. It is late when the last one is long ago."""
        return self._housekeeping._tick(1)
