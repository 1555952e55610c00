"""Services over both databases and real git, on a frozen clock."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import URL

from factories.care import Care
from factories.moments import FrozenClock
from factories.scene import Scene
from fakes.forge_server import ForgeServer
from lazyaf.services.radar import Radar
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


@pytest.fixture
def watched(scene: Scene) -> Scene:
    """A scene whose radar hears of every commit."""
    scene.db.on_commit.append(Radar(scene.ctx, pause=0).heard)
    return scene


@pytest.fixture
def care(
    request: pytest.FixtureRequest,
    scene: Scene,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    database_url: URL,
    dialect: str,
) -> Care:
    cluster = request.getfixturevalue("postgres_cluster") if dialect == "postgresql" else None
    return Care(scene, tmp_path, tmp_path_factory.mktemp("care"), database_url, cluster)


@pytest_asyncio.fixture(params=["github", "gitlab", "gitea"])
async def forge(
    request: pytest.FixtureRequest, scene: Scene, tmp_path: Path
) -> AsyncIterator[ForgeServer]:
    """A forge of each kind."""
    with ForgeServer(request.param, tmp_path / "forge") as forge:
        yield forge
        await scene.ctx.forges.close()


@pytest_asyncio.fixture
async def github(scene: Scene, tmp_path: Path) -> AsyncIterator[ForgeServer]:
    """One forge, where it is no matter which."""
    with ForgeServer("github", tmp_path / "forge") as forge:
        yield forge
        await scene.ctx.forges.close()
