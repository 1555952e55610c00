"""What a machine that plays with a scene stands on, and how it is played.

Real SQLite and real git in a folder that goes with the machine, a loop of its own, a simulated clock. The
machine makes its `scene`; what its steps are refused is an answer.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Awaitable
from pathlib import Path
from typing import Any, ClassVar

from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from factories.moments import FrozenClock
from factories.scene import Scene
from lazyaf.domain.errors import LazyafError
from lazyaf.protocol.messages import Job
from lazyaf.store.database import SqlDatabase
from lazyaf.store.engine import sqlite_url


class SceneMachine(RuleBasedStateMachine):
    """One scene; ends with it. ``held`` are the jobs that runners have, ``files`` counts what is pushed."""

    template: ClassVar[Path]
    """The migrated database to copy."""
    scene: Scene

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.loop = asyncio.new_event_loop()
        self.clock = FrozenClock()
        path = Path(shutil.copy(self.template, self.folder / "lazyaf.db"))
        self.db = SqlDatabase(sqlite_url(path), self.clock)
        self.db.start()
        self.held: list[Job] = []
        self.files = 0

    def teardown(self) -> None:
        self.run(self.scene.ctx.background.settle())
        self.db.close()
        self.loop.close()
        shutil.rmtree(self.folder)

    def run(self, work: Awaitable[Any]) -> Any:
        async def awaited() -> Any:
            return await work

        return self.loop.run_until_complete(awaited())


async def answered(work: Awaitable[Any]) -> Any:
    """What comes of a command; a typed refusal below 500 is an answer too."""
    try:
        return await work
    except LazyafError as refused:
        if refused.status >= 500:
            raise
        return None


def play(machine: type[SceneMachine], template: Path, *, examples: int, steps: int) -> None:
    """The same worlds each time."""
    machine.template = template
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
