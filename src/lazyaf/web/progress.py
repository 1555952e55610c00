"""Tells the board how running jobs get on: each at most once a second (rules.md R11)."""

from __future__ import annotations

import asyncio

import structlog

from lazyaf.domain.errors import LazyafError
from lazyaf.domain.ports import Database
from lazyaf.services.append_log import announce_progress
from lazyaf.services.background import ended

log = structlog.get_logger(__name__)

EVERY_S = 1.0


class ProgressThrottle:
    """Collects which jobs got on, and announces them once a second."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._changed: set[str] = set()
        self._task: asyncio.Task[None] | None = None

    def note(self, job_id: str) -> None:
        """This job has got on."""
        self._changed.add(job_id)

    def start(self) -> None:
        """Begin announcing."""
        self._task = asyncio.create_task(self._run(), name="progress")

    async def stop(self) -> None:
        """Announce nothing more."""
        await ended(self._task)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            changed, self._changed = self._changed, set()
            for job_id in changed:
                try:
                    await self._db.write(announce_progress, job_id)
                except LazyafError as error:  # deleted meanwhile
                    log.debug("progress_lost", job=job_id, detail=error.detail)
