"""Upkeep of the git repositories: which are due, one after the other, and never in a request."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

from lazyaf.domain.errors import LazyafError, NotFound
from lazyaf.git.condition import changed_at
from lazyaf.git.maintenance import maintain
from lazyaf.services.background import repeat
from lazyaf.services.context import Context
from lazyaf.services.stale_refs import remove_stale_refs

log = structlog.get_logger(__name__)

QUIET_S: Final = 60.0
"""A repository that nobody wrote to for so long is idle."""
OVERDUE_S: Final = 3600.0
"""One that is never idle has its turn after so long."""
EXPIRY_S: Final = 86_400.0


@dataclass(slots=True)
class _Known:
    """What is remembered of a repository: as which it was left (a time of its files), since when it
    is otherwise, and when its stale refs were looked for."""

    left: int = 0
    changed: float | None = None
    expired: float | None = None


class Upkeep:
    """Looks after every repository each ``every`` seconds. ``wall`` tells Unix seconds."""

    def __init__(self, ctx: Context, every: float, wall: Callable[[], float] = time.time) -> None:
        self._ctx = ctx
        self._every = every
        self._wall = wall
        self._known: dict[str, _Known] = {}

    async def run(self) -> None:
        """Until cancelled; a git child that runs then ends in order."""
        await repeat(self._every, self.look_after_all, "upkeep_failed")

    async def look_after_all(self) -> None:
        """Every repository that is due, one at a time. What fails is told to the log. While a backup
        is made they all wait."""
        for repo_id in await asyncio.to_thread(self._ctx.git.ids):
            try:
                with self._ctx.git.removing() as may_remove:
                    if not may_remove:
                        return
                    await self._look_after(repo_id, self._known.setdefault(repo_id, _Known()))
            except NotFound:  # deleted meanwhile
                self._known.pop(repo_id, None)
            except (LazyafError, OSError) as error:
                log.error("upkeep_failed", repo=repo_id, error=str(error))

    async def _look_after(self, repo_id: str, known: _Known) -> None:
        git, now = self._ctx.git, self._wall()
        if known.expired is None or now - known.expired >= EXPIRY_S:
            known.expired = now
            await remove_stale_refs(self._ctx, repo_id)
        changed = await asyncio.to_thread(changed_at, git.path(repo_id))
        if changed == known.left:
            return
        known.changed = now if known.changed is None else known.changed
        is_idle = now - changed / 1e9 >= QUIET_S and not git.is_busy(repo_id)
        if not is_idle and now - known.changed < OVERDUE_S:
            return
        # What changes while we are at it, ourselves included, is looked at the next time.
        known.left, known.changed = changed, None
        done = await maintain(git, repo_id, now=now)
        if done.steps or done.swept:
            log.info("upkeep", repo=repo_id, steps=list(done.steps), swept=done.swept)
