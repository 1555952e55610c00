"""What holds queued jobs back, read in one statement: settings, what runners offer, repositories at their limit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    null,
    select,
    union_all,
)

from lazyaf.domain.queue import Holds
from lazyaf.store.jobs import NO_AGENT, RUNNING
from lazyaf.store.json_text import read_json
from lazyaf.store.tables import jobs, repos, runners, settings
from lazyaf.store.tx import Tx

PAUSED, AGENT_LIMITS, DISK_LOW = "claims_paused", "agent_limits", "disk_low"
HOLDING: Final = (PAUSED, AGENT_LIMITS, DISK_LOW)
"""The settings that hold jobs back. The last is set by the server itself."""
PREPARING: Final = "preparing_images"
"""A setting of the server's own: the images that a pool of containers is pulling or looking at."""
AGENT: Final = "agent"
"""The setting of who works the cards that name no agent."""

Offer = list[dict[str, Any]]
"""The agents that a runner knows, each with whether it can run it and why not."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What decides over queued jobs besides themselves. ``settings`` are those that were set of `HOLDING`,
    `PREPARING` and `AGENT`; ``offers`` those of the connected runners that take jobs, each once, for many
    offer the same; ``last_offers`` those of the ones that take no more."""

    settings: Mapping[str, Any]
    offers: Sequence[Offer]
    last_offers: Sequence[Offer]
    full_repos: frozenset[str]


_RUNNING_IN_REPO = (
    select(func.count())
    .where(jobs.c.status == RUNNING, jobs.c.repo_id == repos.c.id, jobs.c.agent != NO_AGENT)
    .correlate(repos)
    .scalar_subquery()
)
_IS_FULL = repos.c.wip_limit <= _RUNNING_IN_REPO
_FULL_REPOS = select(repos.c.id).where(_IS_FULL)
_OF_IMAGES = select(repos.c.id).where(repos.c.image.in_(bindparam("images", expanding=True)))
_RUNNING_BY_AGENT = (
    select(jobs.c.agent, func.count().label("running"))
    .where(jobs.c.status == RUNNING)
    .group_by(jobs.c.agent)
)


def _word(text: str) -> ColumnElement[str]:
    return literal_column(f"'{text}'")


def _facts(kind: Any, name: Any, value: Any) -> Select[Any]:
    return select(
        kind.label("kind"), cast(name, Text).label("name"), cast(value, Text).label("value")
    )


_CIRCUMSTANCES = union_all(
    _facts(_word("setting"), settings.c.key, settings.c.value).where(
        settings.c.key.in_([_word(key) for key in (*HOLDING, PREPARING, AGENT)])
    ),
    _facts(
        case((runners.c.is_draining, _word("last_offer")), else_=_word("offer")),
        null(),
        runners.c.agents,
    )
    .where(runners.c.status != _word("offline"))
    .distinct(),
    _facts(_word("full"), repos.c.id, null()).where(_IS_FULL),
)


def read_circumstances(tx: Tx) -> Circumstances:
    """As they are now."""
    found: dict[str, list[tuple[str, str]]] = {}
    for row in tx.execute(_CIRCUMSTANCES):
        found.setdefault(row.kind, []).append((row.name, row.value))
    return Circumstances(
        settings={name: read_json(value) for name, value in found.get("setting", ())},
        offers=[read_json(value) for _, value in found.get("offer", ())],
        last_offers=[read_json(value) for _, value in found.get("last_offer", ())],
        full_repos=frozenset(name for name, _ in found.get("full", ())),
    )


def read_holds(tx: Tx, circumstances: Circumstances | None = None) -> Holds:
    """What holds jobs back; the ``circumstances`` if they are known."""
    now = circumstances or read_circumstances(tx)
    rooms = agent_rooms(tx, now.settings.get(AGENT_LIMITS) or {})
    agents = (agent for offer in now.offers for agent in offer)
    return replace(
        holds_of(now.settings),
        offered=frozenset(agent["name"] for agent in agents if agent.get("available", True)),
        full_repos=now.full_repos,
        full_agents=frozenset(name for name, room in rooms.items() if room <= 0),
        preparing=_repos_of(tx, now.settings.get(PREPARING) or ()),
    )


def holds_of(values: Mapping[str, Any]) -> Holds:
    """What holds all jobs back by these settings."""
    return Holds(is_paused=bool(values.get(PAUSED)), is_disk_low=bool(values.get(DISK_LOW)))


def full_repos(tx: Tx) -> frozenset[str]:
    """The repositories of which as many jobs run as may."""
    return frozenset(row.id for row in tx.execute(_FULL_REPOS))


def _repos_of(tx: Tx, images: Sequence[str]) -> frozenset[str]:
    if not images:
        return frozenset()
    return frozenset(row.id for row in tx.execute(_OF_IMAGES, {"images": list(images)}))


def agent_rooms(tx: Tx, limits: Mapping[str, int]) -> dict[str, int]:
    """Of how many more jobs each of these agents may run, by these limits; negative when one was lowered
    meanwhile."""
    if not limits:
        return {}
    running = {row.agent: row.running for row in tx.execute(_RUNNING_BY_AGENT)}
    return {name: limit - running.get(name, 0) for name, limit in limits.items()}
