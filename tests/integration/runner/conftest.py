"""A scripted server with a real repository, and a runner in this process in front of it."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from factories.runner_rig import Rig, commit
from fakes.runner_server import RunnerServer
from fakes.runner_state import REPO
from lazyaf.domain.runners import Isolation
from lazyaf.git import command
from lazyaf.runner import isolation
from lazyaf.runner.config import SandboxMode
from support.tools import untestable


@pytest.fixture
def bubblewrap() -> None:
    """Skip where bubblewrap is missing, but never in CI."""
    if shutil.which("bwrap") is None:
        untestable("bubblewrap (bwrap) is not installed: the sandbox cannot be tested")


@pytest_asyncio.fixture
async def server(tmp_path: Path) -> AsyncIterator[RunnerServer]:
    fake = RunnerServer(tmp_path)
    await fake.storage.create(REPO, "main")
    async with fake.running():
        yield fake


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Where a person's clone is."""
    return tmp_path / "clone"


@pytest_asyncio.fixture
async def rig(server: RunnerServer, tmp_path: Path, clone: Path, bubblewrap: None) -> Rig:
    """A repository with a README and one file on main, and a sandboxed runner."""
    await command.run(["init", "-q", "-b", "main", str(clone)])
    base = await commit(clone, {"README.md": "# Demo\n", "app.txt": "one\n"}, "Begin")
    await command.run(["push", "-q", str(server.storage.path(REPO)), "main"], cwd=clone)
    rig = Rig(server, tmp_path, None, base)  # type: ignore[arg-type]
    config = rig.config(sandbox=SandboxMode.BUBBLEWRAP)
    for directory in (config.state_dir, config.work_dir):
        directory.mkdir(parents=True)
    rig.sandbox = await isolation.detect(config)
    assert rig.sandbox.isolation is Isolation.BUBBLEWRAP
    return rig
