"""Chromium, and a server of the test's own with the built UI."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import ConsoleMessage, Page, expect, sync_playwright

from acceptance.house import House, environment
from fakes.model_server import ModelServer
from lazyaf.agents.claude.driver import find_program
from support.server import ServerProcess
from support.tools import untestable

ROOT: Final = Path(__file__).resolve().parents[2]
DIST: Final = ROOT / "src" / "lazyaf" / "web" / "dist" / "index.html"
NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
PATIENCE_MS: Final = 30_000
SIZE: Final = {"width": 1440, "height": 900}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs a browser and the sandbox."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker("browser")
            item.add_marker("bubblewrap")


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser; in CI the absence of anything needed is a failure, elsewhere a reason to skip."""
    program = next((found for name in NAMES if (found := shutil.which(name))), None)
    missing = [] if program else ["Chromium is not installed (apt install chromium)"]
    if not shutil.which("bwrap"):
        missing.append("bubblewrap is not installed (apt install bubblewrap)")
    if find_program(os.environ) is None:
        missing.append("Claude Code is not installed (the claude extra)")
    if not DIST.exists():
        missing.append("the UI is not built (make setup)")
    if missing:
        untestable("; ".join(missing))
    assert program is not None
    return program


@pytest.fixture
def page(chromium: str) -> Iterator[Page]:
    """A page in a browser of its own, in the light; any error in its console fails the test.

    The browser ends with the test: a running Playwright keeps the thread's event loop to itself, and
    asynchronous tests of the same worker could not run.
    """
    errors: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        context = browser.new_context(
            viewport=SIZE, color_scheme="light", reduced_motion="reduce", locale="en-GB"
        )
        made = context.new_page()
        made.on("pageerror", lambda error: _is_defect(str(error)) and errors.append(str(error)))
        made.on("console", lambda said: _is_error(said) and errors.append(said.text))
        made.set_default_timeout(PATIENCE_MS)
        expect.set_options(timeout=PATIENCE_MS)
        yield made
        browser.close()
    assert errors == []


def _is_error(said: ConsoleMessage) -> bool:
    return said.type == "error" and _is_defect(said.text)


def _is_defect(text: str) -> bool:
    """An error of the page's own: the browser reports every 4xx here, each server that is not there, and what it
    dropped, as it does when a container starts on this machine; the page loads itself again then."""
    known = (
        *("Failed to load resource", "WebSocket connection to"),
        *("Unable to preload CSS", "Failed to fetch dynamically"),
    )
    return not any(each in text for each in known)


@pytest.fixture
def model() -> Iterator[ModelServer]:
    """A scripted model."""
    with ModelServer() as server:
        yield server


@pytest.fixture
def house(chromium: str, model: ModelServer, tmp_path: Path) -> Iterator[House]:
    """A server with the built UI; the model plays what `e2e.stage` says."""
    server = ServerProcess(tmp_path / "data", environment(model, "stage"))
    house = House(server, model, tmp_path).start()
    yield house
    house.end()
