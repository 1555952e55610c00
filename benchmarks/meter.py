"""Wall time and a process's processor time over a stretch of work.

The machine may be shared: what a thing costs is told from what others take by its processor time.
"""

from __future__ import annotations

import time
from types import TracebackType

import psutil


class Meter:
    """Runs within `with`, and may run again: the stretches add up."""

    def __init__(self, pid: int | None = None) -> None:
        self._process = psutil.Process(pid)  # None is this one
        self.seconds = 0.0
        self.cpu = 0.0

    def __enter__(self) -> Meter:
        self._cpu, self._begun = self._used(), time.perf_counter()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.seconds += time.perf_counter() - self._begun
        self.cpu += self._used() - self._cpu

    def _used(self) -> float:
        spent = self._process.cpu_times()
        return float(spent.user + spent.system)

    def rate(self, count: int) -> str:
        """Operations per second, and the processor time for each."""
        return f"{count / self.seconds:,.0f}/s, {self.each(count)} each"

    def each(self, count: int) -> str:
        """The processor time for each of so many operations."""
        return f"{_brief(self.cpu / count)} CPU"


def _brief(seconds: float) -> str:
    return f"{seconds * 1e3:.2f} ms" if seconds >= 1e-4 else f"{seconds * 1e6:.1f} µs"
