"""Whether the disks have room for more work: below the reserve no job is given out (rules.md R18).

The database and the agents may be on one disk or on two; each is looked at. Work under way goes on: it
needs the room that is kept back here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from lazyaf.domain.events import SERVER, EventType, NewEvent
from lazyaf.domain.ports import Database, Disk
from lazyaf.store.holds import DISK_LOW
from lazyaf.store.settings import get_setting, put_setting
from lazyaf.store.tx import Tx

LOOK_EVERY_S: Final = 1.0


class DiskRoom:
    """The free space of the disks that ``look`` finds, looked at once in a while. ``reserve`` is in
    bytes."""

    def __init__(
        self, look: Callable[[], Sequence[Disk]], reserve: int, monotonic: Callable[[], float]
    ) -> None:
        self._look = look
        self.reserve = reserve
        self._monotonic = monotonic
        self._disks: Sequence[Disk] = ()
        self._looked: float | None = None

    def disks(self) -> Sequence[Disk]:
        """Every disk that we keep something on."""
        now = self._monotonic()
        if self._looked is None or now - self._looked > LOOK_EVERY_S:
            self._disks, self._looked = self._look(), now
        return self._disks

    def warning(self) -> str | None:
        """Why no job is given out at the moment, or None when there is room."""
        fullest = min(self.disks(), key=lambda disk: disk.free)
        if fullest.free >= self.reserve:
            return None
        return (
            f"Only {fullest.free // 10**6:,} MB are free on the disk of {fullest.folders[0]}, less than "
            f"the reserve of {self.reserve // 10**6:,} MB. Queued cards wait until there is room; "
            "running ones go on."
        )


async def watch_room(db: Database, room: DiskRoom) -> None:
    """Look at the disks, and hold or release the queue when one has crossed the reserve."""
    warning = await asyncio.to_thread(room.warning)
    if (warning is not None) != await db.read(get_setting, DISK_LOW, default=False):
        await db.write(_note, warning)


def _note(tx: Tx, warning: str | None) -> None:
    put_setting(tx, DISK_LOW, warning is not None)
    kind = EventType.DISK_HAS_ROOM if warning is None else EventType.DISK_RAN_LOW
    tx.emit(NewEvent(kind, "disk", SERVER, 0, {"warning": warning}))
