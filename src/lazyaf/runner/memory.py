"""Whether the kernel has killed something in this container because its memory ran out.

An agent that dies of that looks like any other that was killed; the container's control group counts.
Both versions of control groups are read. Outside a container nothing is known.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Final

COUNTERS: Final = (
    Path("/sys/fs/cgroup/memory.events"),
    Path("/sys/fs/cgroup/memory/memory.oom_control"),
)
RAN_OUT: Final = "The container ran out of memory, and the kernel killed what used most of it."


class OomWatch:
    """Remembers the count at its making; `has_struck` says whether it has grown since."""

    def __init__(self, counters: tuple[Path, ...] = COUNTERS) -> None:
        self._counters = counters
        self._before = self._count()

    def has_struck(self) -> bool:
        """Whether something was killed meanwhile."""
        return self._count() > self._before

    def _count(self) -> int:
        for path in self._counters:
            with contextlib.suppress(OSError, ValueError):
                for line in path.read_text("ascii").splitlines():
                    name, _, number = line.partition(" ")
                    if name == "oom_kill":
                        return int(number)
        return 0
