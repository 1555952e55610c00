"""The one tailer that reads new events and hands them to every socket (rules.md R11).

The bus carries only a nudge; the table is the truth. Each event is serialised once. A client that
does not keep up is dropped, never waited for, and resumes by its cursor.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

import structlog

from lazyaf.domain.ports import Database
from lazyaf.services.background import ended
from lazyaf.services.feed import FeedItem, feed_bounds, read_feed

log = structlog.get_logger(__name__)

QUEUE: Final = 256
PAGE: Final = 500
FALLBACK_S: Final = 1.0


class Subscriber:
    """One socket's queue. ``dropped`` is set once it was too slow."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[FeedItem | None] = asyncio.Queue(QUEUE)
        self.dropped = asyncio.Event()

    def offer(self, item: FeedItem | None) -> None:
        """Put an item in, or drop the subscriber."""
        try:
            self.queue.put_nowait(item)
        except asyncio.QueueFull:
            self.dropped.set()


class EventFeed:
    """Tails the events table."""

    def __init__(self, db: Database, epoch: str) -> None:
        self._db = db
        self.epoch = epoch
        self.last_id = 0
        self._nudge = asyncio.Event()
        self._subscribers: set[Subscriber] = set()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin at the newest event."""
        _, self.last_id = await self._db.read(feed_bounds)
        self._task = asyncio.create_task(self._tail(), name="event-feed")

    async def stop(self) -> None:
        """End the tailer and every subscription."""
        await ended(self._task)
        for subscriber in self._subscribers:
            subscriber.offer(None)

    def nudge(self) -> None:
        """There may be something new; nothing to do while nobody follows."""
        if self._subscribers:
            self._nudge.set()

    @property
    def subscriber_count(self) -> int:
        """Sockets that follow."""
        return len(self._subscribers)

    def cursor(self, event_id: int) -> str:
        """The cursor that stands for an event."""
        return f"{self.epoch}:{event_id}"

    async def position(self, cursor: str | None) -> int | None:
        """The id to go on from; None when the cursor is of another life, trimmed or in the future,
        so that the client must load everything anew."""
        oldest, newest = await self._db.read(feed_bounds)
        if cursor is None:
            return newest
        epoch, _, number = cursor.partition(":")
        if epoch != self.epoch or not (number.isascii() and number.isdigit()) or len(number) > 18:
            return None
        wanted = int(number)
        return wanted if oldest - 1 <= wanted <= newest else None

    async def subscribe(self) -> Subscriber:
        """Receive every event from now on."""
        if not self._subscribers:
            # Nobody followed, so nothing was read: go on from now. Someone may come while we look.
            _, newest = await self._db.read(feed_bounds)
            if not self._subscribers:
                self.last_id = newest
        subscriber = Subscriber()
        self._subscribers.add(subscriber)
        self.nudge()  # what was committed while we looked was nudged for nobody
        return subscriber

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """Receive nothing more."""
        self._subscribers.discard(subscriber)

    async def since(self, after: int) -> list[FeedItem]:
        """A page of events after this id."""
        return await self._db.read(read_feed, self.epoch, after, PAGE)

    async def _tail(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._nudge.wait(), FALLBACK_S)
            self._nudge.clear()
            try:
                await self._pump()
            except Exception as error:
                log.error("feed_failed", exc_info=error)

    async def _pump(self) -> None:
        while self._subscribers and (items := await self.since(self.last_id)):
            for item in items:
                for subscriber in self._subscribers:
                    subscriber.offer(item)
            self.last_id = items[-1].id
            if len(items) < PAGE:
                return
