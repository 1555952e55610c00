"""A clock that stands still until it is told to go on, and ids that can be foreseen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class FrozenClock:
    """The `lazyaf.domain.ports.Clock` of tests."""

    def __init__(self) -> None:
        self._start = datetime(2026, 11, 1, 12, tzinfo=UTC)
        self._passed = 0.0

    def now(self) -> str:
        at = self._start + timedelta(seconds=self._passed)
        return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def monotonic(self) -> float:
        return self._passed

    def advance(self, seconds: float) -> None:
        self._passed += seconds


class SequentialIds:
    """UUIDs that count up, so that they sort by age as real ones do."""

    def __init__(self) -> None:
        self._last = 0

    def __call__(self) -> str:
        self._last += 1
        return f"01900000-0000-7000-8000-{self._last:012x}"
