"""Fetches by itself from the remotes of the repositories that say how often, one after the other.

What a turn does is what `lazyaf repo fetch` does: branches are only forwarded, and the radar looks at the cards
of a base that moved. A remote that cannot be reached is asked less and less often; the repository says why.
When each was last asked is remembered by this process alone.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from lazyaf.domain.errors import NotFound
from lazyaf.services.background import repeat
from lazyaf.services.context import Context
from lazyaf.services.import_repo import sync_repo
from lazyaf.store.repos import repos_to_sync

LOOK_EVERY_S: Final = 15.0
SPREAD: Final = 0.1
"""The part of a period by which a turn comes earlier or later, so that remotes are not asked all at once."""
LONGEST_S: Final = 6 * 3600.0
"""However often a remote failed, it is asked after so long, unless its period is longer."""


@dataclass(slots=True)
class _Known:
    """The period, when the next turn is, and how often the last ones failed."""

    every: float
    due: float
    failures: int = 0


class SyncRemotes:
    """Belongs to one event loop. ``now`` tells seconds, ``chance`` a number from 0 to 1."""

    def __init__(
        self,
        ctx: Context,
        now: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._ctx = ctx
        self._now = now
        self._chance = chance
        self._known: dict[str, _Known] = {}

    async def run(self) -> None:
        """Until cancelled."""
        await repeat(LOOK_EVERY_S, self.sync_due, "sync_failed")

    async def sync_due(self) -> list[str]:
        """Every repository whose turn it is; their ids."""
        wanted = await self._ctx.db.read(repos_to_sync)
        self._known = {key: known for key, known in self._known.items() if key in wanted}
        due = []
        for repo_id, every in wanted.items():
            known = self._known.get(repo_id)
            if known is None or known.every != every:
                # At first somewhere in the first period: a restart asks nobody at once.
                self._known[repo_id] = _Known(every, self._now() + every * self._chance())
            elif known.due <= self._now():
                due.append(repo_id)
        for repo_id in due:
            await self._sync(repo_id, self._known[repo_id])
        return due

    async def _sync(self, repo_id: str, known: _Known) -> None:
        try:
            is_done = await sync_repo(self._ctx, repo_id)
        except NotFound:
            return
        known.failures = 0 if is_done else known.failures + 1
        patience = max(known.every, min(known.every * 2**known.failures, LONGEST_S))
        known.due = self._now() + patience * (1 + SPREAD * (2 * self._chance() - 1))
