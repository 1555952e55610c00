"""Which containers a pool is to have: warm ones of its own image, and one of its image for each job that
names one and whose turn comes. A pure function; `lazyaf.pools.docker.pool` does what it says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """The runners that wait in vain, and the images of which containers are missing."""

    surplus: frozenset[str]
    missing: list[str | None]


def plan(
    target: int,
    coming: Sequence[str | None],
    busy: Container[str],
    staying: Mapping[str, str | None],
    births: Iterable[str | None],
) -> Plan:
    """``coming`` are the images of the jobs whose turn comes, None for the pool's own one; ``staying`` are
    the images of the runners that may take a job or have one, ``births`` those of containers that are being
    made; together they are never to be more than ``target``."""
    idle = {name: image for name, image in staying.items() if name not in busy}
    places = max(0, target - (len(staying) - len(idle)))
    wanted = Counter(coming[:places])
    wanted[None] += places - wanted.total()
    have = Counter(births)
    surplus = []
    for name, image in idle.items():
        if have[image] < wanted[image]:
            have[image] += 1
        else:
            surplus.append(name)
    free = max(0, places - have.total())
    missing = sorted((wanted - have).elements(), key=lambda image: image is None)
    return Plan(frozenset(surplus), missing[:free])
