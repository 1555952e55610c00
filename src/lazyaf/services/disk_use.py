"""What LazyAF takes of the disks, and what is left of them: for the settings page, `lazyaf doctor` and
the metrics.

Looking at every file of the agents may take seconds, so that is done when somebody asks, in a thread,
and what was found serves everyone for a while.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from lazyaf.domain.errors import NotFound
from lazyaf.git.condition import size
from lazyaf.services.context import Context
from lazyaf.store.repos import repo_names
from lazyaf.store.size import DatabaseSize, database_size

FRESH_S: Final = 30.0


class DiskUse:
    """Measures. ``wal`` tells the size of the database's log, ``copies`` where migrations kept copies
    of it, ``work`` what the local runners take, by what it is for."""

    def __init__(
        self,
        ctx: Context,
        *,
        wal: Callable[[], int],
        copies: Callable[[], Sequence[Path]],
        work: Callable[[], Mapping[str, int]],
    ) -> None:
        self._ctx = ctx
        self._wal = wal
        self._copies = copies
        self._work = work
        self._measuring = asyncio.Lock()
        self._found: dict[str, Any] = {}
        self._found_at: float | None = None

    def disks(self) -> list[dict[str, Any]]:
        """The disks with their free space, which is looked at often."""
        room = self._ctx.room
        return [
            {
                "folders": [str(folder) for folder in disk.folders],
                "total": disk.total,
                "free": disk.free,
                "is_low": disk.free < room.reserve,
            }
            for disk in room.disks()
        ]

    async def database(self) -> dict[str, int]:
        """Bytes of the database, of its log, of what is free in it, of jobs' logs, of kept copies."""
        found: DatabaseSize = await self._ctx.db.read(database_size)
        return {
            "total": found.total,
            "wal": self._wal(),
            "reusable": found.reusable,
            "logs": found.logs,
            "copies": await asyncio.to_thread(lambda: sum(map(_bytes, self._copies()))),
        }

    async def repositories(self) -> list[dict[str, Any]]:
        """Every repository's bytes, the largest first. Without a name: on no board."""
        names = await self._ctx.db.read(repo_names)
        ids = await asyncio.to_thread(self._ctx.git.ids)
        found = [{"id": i, "name": names.get(i), "bytes": await self._repository(i)} for i in ids]
        return sorted(found, key=lambda repository: -repository["bytes"])

    async def _repository(self, repo_id: str) -> int:
        try:
            async with self._ctx.git.shared(repo_id) as path:
                return await asyncio.to_thread(size, path)
        except NotFound:  # deleted meanwhile
            return 0

    async def everything(self) -> dict[str, Any]:
        """All of it, as it was within the last `FRESH_S` seconds."""
        async with self._measuring:  # one who looks is enough
            now = self._ctx.clock.monotonic()
            if self._found_at is None or now - self._found_at > FRESH_S:
                self._found = {
                    "measured_at": self._ctx.clock.now(),
                    "database": await self.database(),
                    "repositories": await self.repositories(),
                    "attachments": await asyncio.to_thread(self._ctx.attachments.size),
                    "work": dict(await asyncio.to_thread(self._work)),
                }
                self._found_at = self._ctx.clock.monotonic()
        room = self._ctx.room
        return {
            **self._found,
            "disks": self.disks(),
            "reserve": room.reserve,
            "warning": room.warning(),
        }


def _bytes(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
