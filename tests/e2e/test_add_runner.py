"""Adding a runner by the dialog: what it shows before a token is made and after, and that it works."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from e2e.pictures import shoot_everywhere
from support.server import ServerProcess

STOP_S = 15


@pytest.fixture
def server(chromium: str, tmp_path: Path) -> Iterator[ServerProcess]:
    """A server without runners."""
    with ServerProcess(tmp_path / "data", {}, "--pool", "none") as running:
        yield running


def opened(page: Page) -> Locator:
    """The dialog, from the runners panel."""
    page.get_by_role("button", name="Add a runner").click()
    dialog = page.get_by_role("dialog", name="Add a runner")
    expect(dialog).to_be_visible()
    return dialog


def command_in(dialog: Locator) -> str:
    """The command that is shown."""
    said = dialog.locator("pre").first
    expect(said).to_contain_text("lazyaf runner")
    return said.inner_text()


def test_a_person_adds_a_runner(server: ServerProcess, page: Page, tmp_path: Path) -> None:
    assert server.link is not None
    server.client.post("/api/repos", json={"name": "shop"}).raise_for_status()
    page.goto(server.link.replace("/#", "/r/shop#"))
    page.get_by_role("button", name="No runner").click()
    dialog = opened(page)
    assert command_in(dialog).startswith("LAZYAF_RUNNER_TOKEN=<token> lazyaf runner")
    dialog.get_by_text("Docker", exact=True).click()
    assert command_in(dialog).startswith("LAZYAF_RUNNER_TOKEN=<token> docker run")
    shoot_everywhere(page, "add-runner", dialog)

    dialog.get_by_label("Name of the runner").fill("Ada's box")
    dialog.get_by_role("button", name="Make a token").click()
    expect(dialog.get_by_text("beginning with a letter or a digit")).to_be_visible()
    dialog.get_by_label("Name of the runner").fill("adas-box")
    dialog.get_by_label("Labels").fill("gpu, office")
    dialog.get_by_role("button", name="Make a token").click()
    expect(dialog.get_by_text("which is shown this once")).to_be_visible()
    shoot_everywhere(page, "add-runner-made", dialog)
    docker = shlex.split(command_in(dialog))
    dialog.get_by_text("Plain process", exact=True).click()
    plain = shlex.split(command_in(dialog))
    for words in (docker, plain):
        assert words[0].startswith("LAZYAF_RUNNER_TOKEN=")
        assert "<token>" not in words[0]
        assert words[-6:] == ["--name", "adas-box", "--label", "gpu", "--label", "office"]

    runner = started(plain, tmp_path)
    try:
        page.keyboard.press("Escape")
        if not page.get_by_role("dialog", name="Runners").is_visible():
            page.get_by_role("button", name="runner").first.click()
        expect(page.get_by_text("adas-box")).to_be_visible()
        assert "<token>" in command_in(opened(page))  # it was shown once
    finally:
        runner.terminate()
        runner.wait(STOP_S)


def started(words: list[str], folder: Path) -> subprocess.Popen[bytes]:
    """Run the command as a shell would, with directories of the test's own."""
    name, _, token = words[0].partition("=")
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("LAZYAF_")}
    own = {"LAZYAF_STATE_DIR": str(folder / "state"), "LAZYAF_WORK_DIR": str(folder / "work")}
    with (folder / "runner.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", *words[1:]],
            env={**inherited, **own, name: token},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
