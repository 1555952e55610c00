"""Who supplies a job in a container; `lazyaf.main` fills it, `lazyaf.services.supply_job` asks it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from lazyaf.domain.ports import Exits
from lazyaf.domain.sandboxes import AgentNeeds


def _nothing(agent: str) -> AgentNeeds:
    del agent
    return AgentNeeds()


@dataclass(slots=True)
class Supplies:
    """By kind of pool the one who opens ways out of its containers, and what an agent needs.
    ``own_images``: jobs run in the image that their repository names, and nowhere else. ``cached`` are the
    repositories of which the pool of containers has a cache: their jobs run there with it."""

    exits: dict[str, Exits] = field(default_factory=dict)
    needs: Callable[[str], AgentNeeds] = _nothing
    own_images: bool = False
    cached: frozenset[str] = frozenset()
