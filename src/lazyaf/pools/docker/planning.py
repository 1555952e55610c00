"""Which containers a pool is to have: warm ones, and a cold one for each job whose turn comes and that takes
another kind: of its repository's image, with its repository's cache. A pure function; `lazyaf.pools.docker.pool` does what it says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

from lazyaf.domain.containers import WARM, Kind


@dataclass(frozen=True, slots=True)
class Plan:
    """The runners that wait in vain, and the kinds of which containers are missing."""

    surplus: frozenset[str]
    missing: list[Kind]


def plan(
    target: int,
    coming: Sequence[Kind],
    busy: Container[str],
    staying: Mapping[str, Kind],
    launches: Iterable[Kind],
) -> Plan:
    """``coming`` are the kinds of the jobs whose turn comes; ``staying`` are those of the runners that may
    take a job or have one, ``launches`` those of containers that are being made; together they are never to be more than ``target``."""
    idle = {name: kind for name, kind in staying.items() if name not in busy}
    places = max(0, target - (len(staying) - len(idle)))
    wanted = Counter(coming[:places])
    wanted[WARM] += places - wanted.total()
    have = Counter(launches)
    surplus = []
    for name, kind in idle.items():
        if have[kind] < wanted[kind]:
            have[kind] += 1
        else:
            surplus.append(name)
    free = max(0, places - have.total())
    missing = sorted((wanted - have).elements(), key=lambda kind: kind == WARM)
    return Plan(frozenset(surplus), missing[:free])
