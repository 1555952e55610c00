"""What every rule of the machine has in its hands: the simulated server, the oracle, the runners."""

from __future__ import annotations

import copy
import shutil
import tempfile
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, ClassVar, Final, Protocol

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine
from sqlalchemy import URL

from lazyaf.protocol.messages import FinishRequest
from lazyaf.protocol.messages import Job as Given
from machines.queue.house import House, Log, every_row, look
from machines.queue.oracle import Oracle
from machines.simulation import Cut, Simulation

pick = st.integers(min_value=0, max_value=11)
cuts = st.none() | st.builds(Cut, st.integers(0, 2), st.booleans())
DEAD: Final = object()
"""Instead of an answer: the server died."""


class Ground(Protocol):
    """Where worlds begin: a database and repositories that are there already."""

    repos: list[str]

    def copy(self, folder: Path) -> tuple[URL, Path]: ...

    def drop(self, url: URL) -> None: ...


@dataclass
class Held:
    """A job as its runner has it. ``acked`` is up to where the server said that it has the outbox."""

    given: Given
    outbox: list[str] = field(default_factory=list)
    acked: int = 0
    finish: FinishRequest | None = None


@dataclass
class Runner:
    """A runner's process and what it knows. Another ``life`` is another instance of the name."""

    name: str
    agents: frozenset[str]
    life: int = 1
    claim_id: str | None = None
    held: Held | None = None
    replaces: str | None = None

    @property
    def instance(self) -> str:
        return f"instance-{self.name}-{self.life}"


class World(RuleBasedStateMachine):
    """One world; ends with it."""

    ground: ClassVar[Ground]

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="laf-machine-"))
        self.url, root = self.ground.copy(self.folder)
        self.sim = Simulation(self.url, root)
        self.repos = self.ground.repos
        self.oracle = Oracle(self.repos)
        both = frozenset({"script", "claude"})
        self.runners = [Runner("a", both), Runner("b", both), Runner("c", frozenset({"script"}))]
        self.left: list[Held] = []
        """What processes have that are given up: dead ones, and such whose job is over."""
        self.numbers = count(1)
        self._seen_at = -1
        self._house: House
        self._logs: dict[str, Log] = {}

    def end(self) -> None:
        self.sim.close()
        self.ground.drop(self.url)
        shutil.rmtree(self.folder)

    @property
    def ctx(self) -> Any:
        return self.sim.scene.ctx

    @property
    def now(self) -> float:
        return self.sim.clock.monotonic()

    def read(self, fn: Any, *args: Any) -> Any:
        return self.sim.db.read_sync(fn, *args)

    def look(self) -> House:
        """The house as it is: read anew after whatever may have changed it."""
        if self._seen_at != self.sim.runs:
            keys = self.ctx.keys
            self._house = self.read(
                look, lambda row: keys.lease(row.job_id, row.attempt, row.claim_id), self._logs
            )
            self._seen_at = self.sim.runs
        return self._house

    def do(
        self, work: Awaitable[Any], cut: Cut | None = None, spends: set[str] = frozenset()
    ) -> Any:
        """What came of it, or `DEAD`: then it may have happened or not, and the oracle knows which.
        ``spends``: jobs that it may take from their runners, at the cost of an attempt."""
        answer, died = self.sim.run_until_dead(work, cut)
        if died:
            self.oracle.forget_contacts()
            self.oracle.adopt(self.look(), spends)
        return DEAD if died else answer

    def refused(self, kind: type[Exception], work: Awaitable[Any]) -> Any:
        """It must be refused so, and have changed nothing."""
        with self.nothing_changes():
            try:
                self.sim.run(work)
            except kind as refusal:
                return refusal
        raise AssertionError(f"This must raise {kind.__name__}.")

    @contextmanager
    def nothing_changes(self) -> Iterator[None]:
        before = self.read(every_row)
        yield
        assert self.read(every_row) == before

    def foreseen(self) -> Oracle:
        """A copy, to see what a step will do."""
        return copy.deepcopy(self.oracle)
