"""Services over both databases and real git, on a frozen clock."""

from pathlib import Path

import pytest

from factories.moments import FrozenClock
from factories.scene import Scene
from lazyaf.store.database import SqlDatabase
from support.database import (
    clock,
    database_url,
    db,
    dialect,
    migrated_file,
    postgres_cluster,
)

__all__ = ["clock", "database_url", "db", "dialect", "migrated_file", "postgres_cluster"]


@pytest.fixture
def scene(db: SqlDatabase, tmp_path: Path, clock: FrozenClock) -> Scene:
    return Scene(db, tmp_path / "git", clock)
