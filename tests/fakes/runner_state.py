"""What the runner's scripted server holds, and what a test says to it.

A test queues jobs, gives commands, takes leases away and scripts failures. It waits with `until`, which returns
on the request that makes a condition true.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lazyaf.git.storage import Storage
from lazyaf.protocol.entries import Entry
from lazyaf.protocol.messages import CheckpointRequest, FinishRequest, Job, SessionRequest

TOKEN = "runner-token-0123456789"
REPO = "01900000-0000-7000-8000-000000000001"


@dataclass
class Ledger:
    """What the server holds of one attempt."""

    job: Job
    entries: list[Entry] = field(default_factory=list)
    checkpoints: list[CheckpointRequest] = field(default_factory=list)
    finish: FinishRequest | None = None
    fenced: bool = False
    commands: list[dict[str, Any]] = field(default_factory=list)
    received: int = 0
    heard: int = 0
    """Commands up to these the runner has, and has dealt with, as it says itself."""

    def texts(self, *kinds: str) -> list[str]:
        """The texts of the entries of these kinds."""
        return [entry.text for entry in self.entries if entry.kind.value in kinds]

    @property
    def phases(self) -> list[str | None]:
        """The phases in the order in which they were told."""
        return [entry.name for entry in self.entries if entry.kind.value == "phase"]


@dataclass
class Failure:
    """An answer to give instead of the right one, ``times`` times, to paths that end so."""

    suffix: str
    status: int
    times: int = 1
    body: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    after: bool = False
    """Do what was asked first: the answer is lost, not the request."""


class RunnerState:
    """What there is to give and what has come, whatever brings it."""

    def __init__(self, root: Path) -> None:
        self.storage = Storage(root / "store")
        self.ledgers: dict[tuple[str, int], Ledger] = {}
        self.claims: dict[str, tuple[str, int]] = {}
        self.requests: list[str] = []
        self.pushes: list[int] = []
        """The bytes of each push."""
        self.failures: list[Failure] = []
        self.held: dict[str, asyncio.Event] = {}
        """Answers to hold back once, by the end of their path."""
        self.registrations: list[dict[str, Any]] = []
        self.drain = False
        self.deleted: set[str] = set()
        self.at_work: set[str] = set()
        self.heartbeat_s = 3600.0
        self.grace_s = 60.0
        self.push_limit = 2 * 1024**3
        self.sessions: dict[str, SessionRequest] | None = {}
        """What is kept of each card's conversation; None: of an age that kept none."""
        self.attachments: dict[str, bytes] = {}
        """What is attached to cards, by its id."""
        self._queue: list[Job] = []
        self._changed = asyncio.Condition()

    async def queue(self, job: Job) -> Ledger:
        """Have a job to give."""
        ledger = self.ledgers[job.job_id, job.attempt] = Ledger(job)
        self._queue.append(job)
        await self._notify()
        return ledger

    async def command(self, ledger: Ledger, type_: str, text: str | None = None) -> None:
        """Say something to the running job."""
        number = len(ledger.commands) + 1
        ledger.commands.append({"id": number, "type": type_, "text": text})
        await self._notify()

    async def fence(self, ledger: Ledger) -> None:
        """Take the lease away."""
        ledger.fenced = True
        await self._notify()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for a request to make this true."""
        async with asyncio.timeout(60), self._changed:
            await self._changed.wait_for(condition)

    def was_asked(self, suffix: str) -> bool:
        """Whether a request came to a path that ends so."""
        return any(path.endswith(suffix) for path in self.requests)

    async def ref(self, name: str) -> str | None:
        """Where a ref stands."""
        done = await self.storage.git(REPO, ["rev-parse", "--verify", "-q", name], ok=(0, 1))
        return done.text or None

    async def show(self, what: str) -> str:
        """``git show`` in the repository."""
        return (await self.storage.git(REPO, ["show", what])).text

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()
