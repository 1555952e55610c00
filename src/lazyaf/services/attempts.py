"""How often a password may be tried: a burst, then a few per minute, per address and altogether.

Counted in memory, since a restart is no way for a stranger to begin anew. An address that proved the
password is not held up by what others try, so that nobody can lock the person out from elsewhere.
"""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from lazyaf.domain.errors import TooManyAttempts

ADDRESSES_MAX: Final = 4096


@dataclass(frozen=True, slots=True)
class Limit:
    """``burst`` attempts at once, then one each ``interval`` seconds."""

    burst: int
    interval: float


PER_ADDRESS: Final = Limit(burst=5, interval=30)
ALTOGETHER: Final = Limit(burst=50, interval=5)


class _Bucket:
    """What is left of a limit: the moment at which all of it is free again (GCRA)."""

    def __init__(self, limit: Limit) -> None:
        self._limit = limit
        self._free_at = 0.0

    def wait(self, now: float) -> float:
        """Seconds until an attempt is allowed."""
        limit = self._limit
        return max(0.0, max(self._free_at, now) + limit.interval * (1 - limit.burst) - now)

    def spend(self, now: float) -> None:
        self._free_at = max(self._free_at, now) + self._limit.interval

    def give_back(self) -> None:
        self._free_at -= self._limit.interval

    def is_full(self, now: float) -> bool:
        return self._free_at <= now


class Attempts:
    """Attempts by address. ``monotonic`` gives seconds."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._all = _Bucket(ALTOGETHER)
        self._by_address: dict[str, _Bucket] = {}
        self._known: dict[str, None] = {}

    def spend(self, address: str) -> None:
        """Count an attempt, before it is looked at; raises `TooManyAttempts`."""
        key, now = _network(address), self._monotonic()
        mine = self._by_address.get(key) or _Bucket(PER_ADDRESS)
        is_known = key in self._known
        wait = mine.wait(now) if is_known else max(mine.wait(now), self._all.wait(now))
        if wait > 0:
            raise TooManyAttempts(retry_after=math.ceil(wait))
        mine.spend(now)
        if not is_known:
            self._all.spend(now)
        self._by_address[key] = mine
        self._trim(now)

    def forgive(self, address: str) -> None:
        """The attempt of this address was right."""
        key = _network(address)
        self._by_address.pop(key, None)
        if key not in self._known:
            self._all.give_back()
            self._known[key] = None

    def _trim(self, now: float) -> None:
        if len(self._by_address) > ADDRESSES_MAX:
            waiting = {k: b for k, b in self._by_address.items() if not b.is_full(now)}
            self._by_address = waiting
        while len(self._known) > ADDRESSES_MAX:
            del self._known[next(iter(self._known))]


def _network(address: str) -> str:
    """Who counts as one: an IPv4 address, or the /64 that one IPv6 customer has."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if found.version == 4:
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found.packed, 64), strict=False))
