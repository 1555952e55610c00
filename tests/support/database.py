"""Fixtures: a migrated database of either kind, and the real `SqlDatabase` over it.

A test module gets them by importing what it uses into its ``conftest.py``. The schema is migrated
once per session and copied for each test.
"""

from __future__ import annotations

import asyncio
import itertools
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import URL

from factories.moments import FrozenClock
from lazyaf.store.database import SqlDatabase
from lazyaf.store.engine import sqlite_url
from lazyaf.store.migrate import upgrade
from support import postgres

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the schema and nothing in it."""
    path = tmp_path_factory.mktemp("template") / "lazyaf.db"
    upgrade(sqlite_url(path))
    return path


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[postgres.Cluster]:
    """A throwaway cluster with a migrated database ``template_lazyaf`` to copy."""
    with postgres.cluster() as cluster:
        upgrade(cluster.create("template_lazyaf"))
        yield cluster


@pytest.fixture(params=["sqlite", "postgresql"])
def dialect(request: pytest.FixtureRequest) -> str:
    """Both databases; ask for ``sqlite_only`` where the test is about one."""
    name: str = request.param
    return name


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path, dialect: str) -> URL:
    """A fresh database with the schema."""
    if dialect == "sqlite":
        template: Path = request.getfixturevalue("migrated_file")
        return sqlite_url(Path(shutil.copy(template, tmp_path / "lazyaf.db")))
    cluster: postgres.Cluster = request.getfixturevalue("postgres_cluster")
    return cluster.create(f"test_{next(_numbers)}", template="template_lazyaf")


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest_asyncio.fixture
async def db(database_url: URL, clock: FrozenClock) -> AsyncIterator[SqlDatabase]:
    """The writer and the readers, running."""
    database = SqlDatabase(database_url, clock)
    database.start()
    yield database
    await asyncio.to_thread(database.close)
