"""Leave only when nothing runs any more: claims have ended, running jobs go on to their end."""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from lazyaf.services.context import Context
from lazyaf.store.jobs import running_jobs
from lazyaf.store.tx import Tx

log = structlog.get_logger(__name__)

LOOK_S: Final = 0.5


async def wait_for_jobs(ctx: Context) -> None:
    """Return when no job runs. Jobs that wait stay in the queue for the next start."""
    told = 0
    while running := await ctx.db.read(_count):
        if running != told:
            log.info("draining", running=running)
            told = running
        await asyncio.sleep(LOOK_S)


def _count(tx: Tx) -> int:
    return len(running_jobs(tx))
