"""What the server does by itself: reaping each second, and now and then some upkeep."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from lazyaf.domain.errors import Unavailable
from lazyaf.services.background import ended
from lazyaf.services.context import Context
from lazyaf.services.disk_room import watch_room
from lazyaf.services.feed import trim_feed
from lazyaf.services.follow_pulls import PullFollower
from lazyaf.services.reap import reap
from lazyaf.services.retain import KEEP_EVENTS, ago, trim_all_logs
from lazyaf.services.sync_remotes import SyncRemotes
from lazyaf.services.upkeep import Upkeep

log = structlog.get_logger(__name__)

TICK_S: Final = 1.0
UPKEEP_TICKS: Final = 300
TRIM_TICKS: Final = 3600


class Housekeeping:
    """Reaps silent leases and runners, keeps the database trim, forgets old events, and fetches from remotes.

    ``upkeep`` is the store's own, called every five minutes. Each ``repositories`` seconds those are
    looked after, and each ``pulls`` seconds open pull requests, beside everything else; 0 is never.
    ``keep_logs`` are days; 0 is for ever.
    """

    def __init__(
        self,
        ctx: Context,
        upkeep: Callable[[], Awaitable[None]],
        *,
        repositories: float = 0,
        pulls: float = 0,
        keep_logs: float = 0,
    ) -> None:
        self._ctx = ctx
        self._upkeep = upkeep
        self._repositories = repositories
        self._pulls = pulls
        self._keep_logs = keep_logs
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin."""
        self._tasks.append(asyncio.create_task(self._run(), name="housekeeping"))
        syncing = SyncRemotes(self._ctx)
        self._tasks.append(asyncio.create_task(syncing.run(), name="sync"))
        if self._repositories:
            upkeep = Upkeep(self._ctx, self._repositories)
            self._tasks.append(asyncio.create_task(upkeep.run(), name="upkeep"))
        if self._pulls:
            follower = PullFollower(self._ctx, self._pulls)
            self._tasks.append(asyncio.create_task(follower.run(), name="pulls"))

    async def stop(self) -> None:
        """End."""
        await asyncio.gather(*(ended(task) for task in self._tasks))

    async def _run(self) -> None:
        ticks = 0
        while True:
            await self._turn(ticks)
            ticks += 1
            await asyncio.sleep(TICK_S)

    async def _turn(self, ticks: int) -> None:
        try:
            await self._tick(ticks)
        except Unavailable:
            self._ctx.presence.was_away()  # the database is; its own line in the log says so
        except Exception as error:
            log.error("housekeeping_failed", exc_info=error)

    async def _tick(self, ticks: int) -> None:
        if self._ctx.presence.tick(TICK_S):
            # We were away (sleep, stall): requests that wait are served before anyone is reaped.
            log.info("late_tick")
            return
        await reap(self._ctx)
        await watch_room(self._ctx.db, self._ctx.room)
        if ticks % UPKEEP_TICKS == 0:
            await self._upkeep()
        if ticks % TRIM_TICKS == 0:
            await self._ctx.db.write(trim_feed, ago(self._ctx.clock.now(), KEEP_EVENTS))
            await trim_all_logs(self._ctx, self._keep_logs)
