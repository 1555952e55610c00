"""A disk that is nearly full: the board says that jobs wait, the settings say why."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from acceptance.house import House, environment
from fakes.model_server import ModelServer
from support.server import ServerProcess


@pytest.fixture
def house(chromium: str, model: ModelServer, tmp_path: Path) -> Iterator[House]:
    """A server that wants more free space than there is."""
    environ = environment(model, LAZYAF_DISK_RESERVE_MB="999999999")
    house = House(ServerProcess(tmp_path / "data", environ), model, tmp_path).start()
    yield house
    house.end()


def test_the_board_says_that_jobs_wait_and_the_settings_say_why(house: House, page: Page) -> None:
    house.repository("shop")
    card = house.script("shop", "Wait for room", "true")
    house.board.command(card, "start")
    assert house.server.link is not None
    page.goto(house.server.link.replace("/#", "/r/shop#"))
    page.get_by_role("button", name="Jobs wait").click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("are free on the disk")
    assert house.board.job(card)["status"] == "queued"

    page.goto(f"{house.server.url}/settings")
    section = page.locator("section", has=page.get_by_role("heading", name="Disk"))
    expect(section.get_by_role("alert")).to_contain_text("Queued cards wait until there is room")
    expect(section.get_by_role("meter")).to_have_count(1)
    section.get_by_text("1 repository").click()
    expect(section.get_by_text("shop", exact=True)).to_be_visible()
