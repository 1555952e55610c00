"""What the acceptance tests need of the machine, and the server that the scenarios share."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from acceptance.house import House, environment
from fakes.model_server import ModelServer
from lazyaf.agents.claude.driver import find_program
from support.server import ServerProcess
from support.tools import untestable


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here starts agents in the sandbox."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker("bubblewrap")


@pytest.fixture(scope="session")
def _machine() -> None:
    """bubblewrap and Claude Code; in CI their absence is a failure, elsewhere a reason to skip."""
    missing = [] if shutil.which("bwrap") else ["bubblewrap is not installed"]
    if find_program(os.environ) is None:
        missing.append("Claude Code is not installed (the claude extra)")
    if missing:
        untestable("; ".join(missing))


@pytest.fixture(scope="session")
def model() -> Iterator[ModelServer]:
    """One scripted model; a card's description chooses its scenario."""
    with ModelServer() as server:
        yield server


@pytest.fixture(scope="session")
def house(
    _machine: None, model: ModelServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    """A server that runs for the whole session, for tests that neither stop nor break it."""
    root = tmp_path_factory.mktemp("house")
    with ServerProcess(root / "data", environment(model)) as server:
        yield House(server, model, root)


@pytest.fixture
def build(_machine: None, model: ModelServer, tmp_path: Path) -> Iterator[Callable[..., House]]:
    """``build(runners=1)``: a server of the test's own, not started yet; killed at the end."""
    built: list[House] = []

    def make(*, runners: int = 2, **variables: str) -> House:
        root = tmp_path / f"house{len(built)}"
        server = ServerProcess(
            root / "data", environment(model, **variables), "--runners", str(runners)
        )
        built.append(House(server, model, root))
        return built[-1]

    yield make
    for house in built:
        house.end()
