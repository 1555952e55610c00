"""When leases and runners were last heard of, on the monotonic clock (rules.md R15).

Deadlines live here and only here; stored timestamps inform people. After a start, or a tick that
comes late (sleep, stall), everything gets a full period again, so that nobody is punished for the
server's absence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

LATE_S: Final = 3.0
"""How much later than asked a tick may come before it counts as an absence."""


class Presence:
    """Last contacts by key: ``job:<id>`` and ``runner:<id>``."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._seen: dict[str, float] = {}
        self._heard: set[str] = set()
        self._last_tick: float | None = None
        self._was_away = False

    def touch(self, key: str) -> None:
        """It was heard of just now."""
        self._seen[key] = self._monotonic()
        self._heard.add(key)

    def forget(self, key: str) -> None:
        """It is no longer expected."""
        self._seen.pop(key, None)
        self._heard.discard(key)

    def was_heard(self, key: str) -> bool:
        """Whether it was heard of since this server began. What was not is lost with the former one."""
        return key in self._heard

    def silent(self, keys: Iterable[str], period: float) -> list[str]:
        """Those that were not heard of for this many seconds. One never seen begins its period."""
        now = self._monotonic()
        return [key for key in keys if now - self._seen.setdefault(key, now) > period]

    def was_away(self) -> None:
        """The server could not hear anybody, since it could not do anything: the next tick is late."""
        self._was_away = True

    def tick(self, interval: float) -> bool:
        """Call at each reaping; True when it came late, and then everyone has a full period."""
        now = self._monotonic()
        is_late = self._last_tick is not None and now - self._last_tick > interval + LATE_S
        is_late, self._was_away = is_late or self._was_away, False
        self._last_tick = now
        if is_late:
            self._seen = dict.fromkeys(self._seen, now)
        return is_late
