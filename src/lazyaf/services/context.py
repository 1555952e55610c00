"""What a service that reaches beyond one transaction is given by `main`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from lazyaf.domain.ports import Clock, Database, Forges
from lazyaf.git.storage import Storage
from lazyaf.services.attachment_files import AttachmentFiles
from lazyaf.services.background import Background
from lazyaf.services.credentials import LeaseKeys
from lazyaf.services.disk_room import DiskRoom
from lazyaf.services.dispatch import Dispatcher
from lazyaf.services.job_waiters import JobWaiters
from lazyaf.services.locks import KeyedLocks
from lazyaf.services.presence import Presence
from lazyaf.services.supplies import Supplies


@dataclass(frozen=True, slots=True)
class Rhythm:
    """The times that the server dictates, in seconds."""

    heartbeat: float = 10
    lease: float = 60
    long_poll: float = 25
    first_contact: float = 10
    cancel_grace: float = 10
    checkpoint: float = 60
    runner_grace: float = 60


@dataclass(frozen=True, slots=True)
class Context:
    """The ports and the in-memory hints. Nothing in it is the truth: the database and git are."""

    db: Database
    git: Storage
    clock: Clock
    new_id: Callable[[], str]
    keys: LeaseKeys = field(repr=False)
    rhythm: Rhythm
    dispatcher: Dispatcher
    control: JobWaiters
    followers: JobWaiters
    presence: Presence
    job_locks: KeyedLocks
    epoch: str
    room: DiskRoom
    background: Background
    attachments: AttachmentFiles
    forges: Forges
    supplies: Supplies = field(default_factory=Supplies, repr=False)
