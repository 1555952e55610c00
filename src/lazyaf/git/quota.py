"""How much the repositories may take: of the disk by one push and in all, and of the processors at once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lazyaf.domain.errors import Unavailable
from lazyaf.git.condition import size

MB: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """``push`` and ``repository`` are bytes, of the pack of one push and of all objects together;
    ``repository`` 0 is without a limit. ``packs`` transfers of either direction run at once (0 is as
    many as there are processors) and ``waiting`` more may queue."""

    push: int = 2 * 1024**3
    repository: int = 0
    packs: int = 0
    waiting: int = 100

    async def room(self, repository: Path) -> int:
        """The bytes that a pack pushed to it may have now; 0 or less means that it is full."""
        if not self.repository:
            return self.push
        return min(self.push, self.repository - await asyncio.to_thread(size, repository))

    @property
    def refusal(self) -> str:
        """Why a push to a full repository is refused."""
        return (
            f"this repository is full: it may take {self.repository // MB:,} MB. Whoever runs the "
            "server can raise LAZYAF_REPO_MAX_MB"
        )


class Slots:
    """Turns for transfers of one direction: so many at once, so many that wait, the rest is refused."""

    def __init__(self, count: int, waiting: int) -> None:
        self._turns = asyncio.Semaphore(count)
        self._waiting = 0
        self._most = waiting

    async def __aenter__(self) -> None:
        """Wait for a turn. Raises `Unavailable` when too many wait already."""
        if self._turns.locked() and self._waiting >= self._most:
            raise Unavailable(
                f"{self._waiting:,} transfers wait already for their turn. Try again in a moment."
            )
        self._waiting += 1
        try:
            await self._turns.acquire()
        finally:
            self._waiting -= 1

    async def __aexit__(self, *_: object) -> None:
        """The next one's turn."""
        self._turns.release()
