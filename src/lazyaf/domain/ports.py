"""Ports: what the rooms need from each other without knowing each other.

`Database` is how anyone runs a service: a plain function of a transaction. `main` injects the real
one (store/database.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from lazyaf.domain.events import NewEvent
from lazyaf.domain.forges import Access, ForgeRepo, Look, NewPull, Pull
from lazyaf.domain.runners import PoolKind

P = ParamSpec("P")
R = TypeVar("R")
A = TypeVar("A")


class Database(Protocol):
    """Runs functions of a transaction off the event loop.

    The first parameter of ``fn`` is the store's transaction; callers never see it.
    """

    async def read(
        self, fn: Callable[Concatenate[Any, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Run ``fn`` in a short read-only transaction on a reader thread."""
        ...

    async def write(
        self, fn: Callable[Concatenate[Any, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Run ``fn`` on the writer thread; return once its transaction is committed.

        ``fn`` may be run more than once (a batch that fails is run again one by one), so clocks,
        ids and randomness come in as arguments.
        """
        ...

    async def write_together(
        self, fn: Callable[[Any, Sequence[A]], Sequence[R | Exception]], item: A
    ) -> R:
        """`write` for what many ask at once: those who wait for the writer with the same ``fn`` are handed
        to it together, in their order, and it answers each, with a value or the error to raise there.

        One that raises for several is run again for each alone.
        """
        ...


@dataclass(frozen=True, slots=True)
class Disk:
    """A disk, by those of our directories that are on it; sizes in bytes."""

    folders: tuple[Path, ...]
    total: int
    free: int


class Clock(Protocol):
    """Time, so that tests need no sleep."""

    def now(self) -> str:
        """The present as an ISO 8601 UTC timestamp with milliseconds and ``Z``."""
        ...

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back."""
        ...


class Forges(Protocol):
    """Pull requests where teams review, on whichever forge a repository is.

    Everything here waits for the network, and raises `Conflict` for what the forge refuses, with what a
    person can do, and `Unavailable` when it cannot be asked now.
    """

    async def open(self, at: ForgeRepo, token: str, new: NewPull) -> Pull:
        """Open one for a branch that is there; the open one if it exists already."""
        ...

    async def look(self, at: ForgeRepo, token: str, number: int, etag: str | None) -> Look:
        """How far it is; nothing when it is as it was at ``etag``."""
        ...

    async def access(self, at: ForgeRepo, token: str) -> Access:
        """What the token sees of the repository."""
        ...

    async def close(self) -> None:
        """Hold no connection any longer."""
        ...


class Exits(Protocol):
    """Opens the ways out of a pool's containers."""

    async def open(self, runner: str, job_id: str, hosts: Sequence[str]) -> None:
        """Let the container of this runner reach these hosts for this job, and no others."""
        ...


class Pool(Protocol):
    """A place where runners come from."""

    kind: PoolKind

    async def start(self) -> None:
        """Adopt what is alive, then bring the count up to what was asked."""
        ...

    async def scale(self, count: int, *, now: bool = False) -> None:
        """Ask for this many runners. Surplus ones finish their job first; with ``now`` they save what
        they have, and the job goes back to the queue."""
        ...

    async def remake(self, changes: Mapping[str, Any]) -> None:
        """Change of what containers are made from now on (`lazyaf.domain.containers.Containers`); None is
        the default again. Raises `Invalid` for what is not possible, also for a pool without containers."""
        ...

    async def stop(self) -> None:
        """End every runner of this pool, giving each its grace."""
        ...

    def heard(self, events: Sequence[NewEvent]) -> None:
        """What was just committed; a hint, on the event loop, that must not take long."""
        ...

    def describe(self) -> dict[str, object]:
        """``{kind, target, available, reason, fix, isolation, …}`` for the panel."""
        ...
