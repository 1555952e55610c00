"""Events: past-tense facts, each written in the transaction that made it true.

The table of events is the audit trail, the live feed and the replay cursor. ``family`` lets a client
subscribe coarsely (``card_updated``, ``job_status`` …) without knowing every type.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final


class EventType(StrEnum):
    """Every event type. docs/reference/events.md lists them; a test keeps it complete."""

    REPO_CREATED = "repo.created"
    REPO_INGESTED = "repo.ingested"
    REPO_UPDATED = "repo.updated"
    REPO_DELETED = "repo.deleted"
    CARD_CREATED = "card.created"
    CARD_UPDATED = "card.updated"
    CARD_MOVED = "card.moved"
    CARD_DELETED = "card.deleted"
    CARD_ATTACHED = "card.attached"
    CARD_DETACHED = "card.detached"
    CARD_PR_OPENED = "card.pull_request_opened"
    CARD_PR_CHANGED = "card.pull_request_changed"
    JOB_QUEUED = "job.queued"
    JOB_CLAIMED = "job.claimed"
    JOB_PROGRESSED = "job.progressed"
    JOB_REQUEUED = "job.requeued"
    JOB_CANCEL_REQUESTED = "job.cancel_requested"
    JOB_FINISHED = "job.finished"
    RUNNER_REGISTERED = "runner.registered"
    RUNNER_UPDATED = "runner.updated"
    RUNNER_WENT_OFFLINE = "runner.went_offline"
    BRANCH_PUSHED = "branch.pushed"
    BRANCH_MERGED = "branch.merged"
    BRANCH_LANDED = "branch.landed"
    BRANCH_CHECKED = "branch.checked"
    SETTINGS_UPDATED = "settings.updated"
    VIEW_SAVED = "view.saved"
    VIEW_DELETED = "view.deleted"
    POOL_SCALED = "pool.scaled"
    POOL_CONFIGURED = "pool.configured"
    POOL_PREPARING = "pool.preparing"
    DISK_RAN_LOW = "disk.ran_low"
    DISK_HAS_ROOM = "disk.has_room"


FAMILIES: Final[dict[str, str]] = {
    "card": "card_updated",
    "job": "job_status",
    "runner": "runner_status",
    "pool": "runner_status",
    "repo": "repo_updated",
    "branch": "repo_updated",
    "settings": "settings_updated",
    "view": "settings_updated",
    "disk": "settings_updated",
}
"""Family by the first word of the type."""


def family_of(event_type: EventType) -> str:
    """The family that an event belongs to."""
    return FAMILIES[event_type.value.split(".", 1)[0]]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it: ``person``, ``runner`` or ``server``, and which one."""

    kind: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}" if self.name else self.kind

    @classmethod
    def parse(cls, text: str) -> Actor:
        """The one who is written like this."""
        kind, _, name = text.partition(":")
        return cls(kind, name)


SERVER: Final = Actor("server")
PERSON: Final = Actor("person", "you")


@dataclass(frozen=True, slots=True)
class Json:
    """A part of an event's data that is JSON text already; it is stored and sent as it is."""

    text: str


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event before it has its number. ``subject`` is the id of what it is about; ``version``
    orders events of one subject, so that a client can drop an older one; ``repo_id`` is the
    repository whose board shows it."""

    type: EventType
    subject: str
    actor: Actor
    version: int = 0
    data: Mapping[str, object] = field(default_factory=dict)
    repo_id: str | None = None
