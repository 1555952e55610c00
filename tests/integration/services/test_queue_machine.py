"""Queue, leases and fencing under any sequence of what people, runners, time and crashes do.

`machines.queue` plays it: real services on a real database with real git, in a simulated world, beside
an oracle that knows from the commands alone what must be true. How much of it is played says
``LAZYAF_MACHINE_EXAMPLES``; see CONTRIBUTING.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy import URL

from factories.moments import FrozenClock
from factories.scene import Scene
from lazyaf.store import engine
from lazyaf.store.database import SqlDatabase
from lazyaf.store.engine import sqlite_url
from machines.queue.machine import QueueMachine
from support import postgres

EXAMPLES = int(os.environ.get("LAZYAF_MACHINE_EXAMPLES", "0"))
"""More than in CI, and other ones each time."""
STEPS = 50


def furnish(url: URL, root: Path) -> list[str]:
    """Two repositories with content; their ids."""

    async def make() -> list[str]:
        db = SqlDatabase(url, FrozenClock())
        db.start()
        scene = Scene(db, root, FrozenClock())
        made = [await scene.repo(name) for name in ("one", "two")]
        await asyncio.to_thread(db.close)
        return made

    return asyncio.run(make())


class SqliteGround:
    """A file to copy."""

    def __init__(self, folder: Path, migrated: Path) -> None:
        self._folder = folder
        shutil.copy(migrated, folder / "lazyaf.db")
        self.repos = furnish(sqlite_url(folder / "lazyaf.db"), folder / "git")

    def copy(self, folder: Path) -> tuple[URL, Path]:
        shutil.copytree(self._folder / "git", folder / "git", symlinks=True)
        return sqlite_url(Path(shutil.copy(self._folder / "lazyaf.db", folder))), folder / "git"

    def drop(self, url: URL) -> None:
        """It goes with its folder."""


class PostgresGround:
    """A database to copy, by its server."""

    def __init__(self, folder: Path, cluster: postgres.Cluster) -> None:
        self._folder = folder
        self._cluster = cluster
        self._numbers = count(1)
        url = cluster.create("template_machine", template="template_lazyaf")
        self.repos = furnish(url, folder / "git")

    def copy(self, folder: Path) -> tuple[URL, Path]:
        shutil.copytree(self._folder / "git", folder / "git", symlinks=True)
        name = f"machine_{next(self._numbers)}"
        return self._cluster.create(name, template="template_machine"), folder / "git"

    def drop(self, url: URL) -> None:
        assert url.database is not None
        self._cluster.drop(url.database)


def play(ground: Any, examples: int) -> None:
    QueueMachine.ground = ground
    run_state_machine_as_test(
        QueueMachine,
        settings=settings(
            max_examples=EXAMPLES or examples,
            stateful_step_count=STEPS,
            derandomize=not EXAMPLES,
            print_blob=True,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.fixture
def _no_durability(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is simulated is the death of a process, not of the machine: nothing waits for the disk."""
    quick = [p.replace("synchronous = FULL", "synchronous = OFF") for p in engine.PRAGMAS]
    monkeypatch.setattr(engine, "PRAGMAS", quick)


@pytest.mark.timeout(0 if EXAMPLES else 600)  # a failure is made as short as it can be
@pytest.mark.usefixtures("_no_durability")
def test_the_queue_on_sqlite(tmp_path: Path, migrated_file: Path) -> None:
    play(SqliteGround(tmp_path, migrated_file), examples=70)


@pytest.mark.timeout(0 if EXAMPLES else 600)
def test_the_queue_on_postgresql(tmp_path: Path, postgres_cluster: postgres.Cluster) -> None:
    play(PostgresGround(tmp_path, postgres_cluster), examples=20)
