"""A forge of each kind, with a repository that has a branch to review."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from fakes.forge_server import ForgeServer
from lazyaf.forges.registry import ForgeClients
from support.history import git, make_repository

KINDS = ("github", "gitlab", "gitea")


@pytest.fixture(params=KINDS)
def forge(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ForgeServer]:
    with ForgeServer(request.param, tmp_path / "forge") as forge:
        forge.tokens.update({"s3cret-writer": "write", "s3cret-reader": "read"})
        forge.repo("ada/shop")
        checkout = make_repository(tmp_path / "checkout", commits=2, files={"a.txt": "1\n"})
        there = str(forge.git_dir("ada/shop"))
        git(checkout, "push", "-q", there, "main", "main:lazyaf/1-fix", "main:lazyaf/2-other")
        yield forge


@pytest_asyncio.fixture
async def clients() -> AsyncIterator[ForgeClients]:
    clients = ForgeClients()
    yield clients
    await clients.close()
