"""What lies about although nobody will come back for it, and what looks like it but holds work."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class LeftoverKind(StrEnum):
    """What it is."""

    JOB_REFS = "job_refs"
    ORPHANS = "orphans"
    """What attempts pushed that had lost their lease, too old for anyone to come back for."""
    CONVERSATIONS = "conversations"
    """Of agents, that a newer one has replaced."""
    GIT_LOCKS = "git_locks"
    """Locks, quarantines and half-written packs of git processes that are dead."""
    REPOSITORY = "repository"
    """One on no board."""
    ATTACHMENT = "attachment"
    """An attached file that no card names."""
    DATABASE_COPY = "database_copy"
    EVENTS = "events"
    LOGS = "logs"
    SIGN_INS = "sign_ins"
    INTENT = "intent"
    """Something that was begun with a card and never came to its end."""
    WORK_TREE = "work_tree"
    HOME = "home"
    CACHE = "cache"
    SPARE = "spare"
    OUTBOX = "outbox"
    """Log entries of an attempt that is over."""
    FILE = "file"
    """A small file of a process that is dead."""


@dataclass(frozen=True, slots=True)
class Leftover:
    """One, or ``count`` of the same kind in one place. ``why`` says in a sentence why it may go, or, when
    it ``stays``, why not. ``bytes`` is what it takes on the disk, 0 where that is not known or nothing."""

    kind: LeftoverKind
    place: str
    why: str
    count: int = 1
    bytes: int = 0
    stays: bool = False
