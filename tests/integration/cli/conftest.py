"""A real server without runners, real repositories, and the command line in this process."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from lazyaf.git import command
from support.commandline import Git, Lazyaf
from support.server import ServerProcess


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server that nobody works for."""
    folder = tmp_path_factory.mktemp("cli-server")
    with ServerProcess(folder / "data", None, "--pool", "none") as running:
        yield running


@pytest.fixture(scope="session")
def working_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with one local runner."""
    folder = tmp_path_factory.mktemp("cli-working-server")
    with ServerProcess(folder / "data", None, "--runners", "1") as running:
        yield running


@pytest.fixture
def lazyaf(server: ServerProcess, tmp_path: Path) -> Lazyaf:
    """The command line, on the server that nobody works for."""
    return Lazyaf(_environment(server, tmp_path))


@pytest.fixture
def working(working_server: ServerProcess, tmp_path: Path) -> Lazyaf:
    """The command line, on the server with a runner."""
    return Lazyaf(_environment(working_server, tmp_path))


def _environment(server: ServerProcess, folder: Path) -> dict[str, str]:
    settings = folder / "gitconfig"
    settings.write_text("[user]\nname = Ada\nemail = ada@localhost\n")
    return {
        "LAZYAF_SERVER": server.url,
        "LAZYAF_DATA_DIR": str(server.data_dir),
        "LAZYAF_TOKEN": "",
        "GIT_CONFIG_GLOBAL": str(settings),
        "GIT_CONFIG_NOSYSTEM": "1",
    }


@pytest.fixture
def name() -> str:
    """A name that no other repository of the shared server has."""
    return f"shop-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def board(working: Lazyaf, checkout: Git, name: str) -> str:
    """The name of a repository on the board whose server has a runner."""
    assert working("ingest", checkout.path).exit_code == 0
    return name


@pytest.fixture
def checkout(tmp_path: Path, name: str) -> Git:
    """A repository with one commit on main, named like the fixture `name`."""
    path = tmp_path / name
    command.run_sync(["init", "--quiet", "--initial-branch=main", str(path)])
    git = Git(path)
    git.commit()
    return git
