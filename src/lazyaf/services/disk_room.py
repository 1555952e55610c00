"""Whether the disk has room for more work: below the reserve no job is given out (rules.md R18).

Work under way goes on: it needs the room that is kept back here.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

LOOK_EVERY_S: Final = 5.0


class DiskRoom:
    """The free space of one directory's disk, looked at once in a while."""

    def __init__(self, folder: Path, reserve: int, monotonic: Callable[[], float]) -> None:
        self._folder = folder
        self._reserve = reserve
        self._monotonic = monotonic
        self._free = 0
        self._looked: float | None = None

    def warning(self) -> str | None:
        """Why no job is given out at the moment, or None when there is room."""
        now = self._monotonic()
        if self._looked is None or now - self._looked > LOOK_EVERY_S:
            self._free, self._looked = shutil.disk_usage(self._folder).free, now
        if self._free >= self._reserve:
            return None
        return (
            f"Only {self._free // 10**6:,} MB are free on the disk of {self._folder}, less than the "
            f"reserve of {self._reserve // 10**6:,} MB. Queued cards wait until there is room; running "
            "ones go on."
        )
