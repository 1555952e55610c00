"""A runner without isolation: the board asks once before agents work on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from acceptance.house import House, environment
from e2e.pictures import shoot_everywhere
from fakes.model_server import ModelServer
from support.server import ServerProcess
from support.waiting import until

REPO = "open-house"


@pytest.fixture
def house(chromium: str, tmp_path: Path) -> Iterator[House]:
    """A server whose runner has no sandbox."""
    with ModelServer() as model:
        env = environment(model, LAZYAF_ISOLATION="none")
        with ServerProcess(tmp_path / "data", env, "--runners", "1") as server:
            yield House(server, model, tmp_path)


def started(house: House, card: str) -> None:
    """The browser's command has reached the server."""
    until(lambda: house.board.card(card)["status"] != "todo", "the card is started")


def test_the_board_asks_once_before_an_agent_works_without_isolation(
    house: House, page: Page
) -> None:
    house.repository(REPO)
    first, second = [
        house.script(REPO, name, f"echo {name} > {name}.txt") for name in ("one", "two")
    ]
    assert house.server.link is not None
    page.goto(house.server.link.replace("/#", f"/r/{REPO}#"))
    expect(page.get_by_role("button", name="0 of 1 runner busy")).to_be_visible()
    question = page.get_by_role("dialog", name="Work without isolation?")

    page.get_by_role("link", name="one").focus()
    page.keyboard.press("s")
    expect(question).to_contain_text("can read, change and send whatever you can")
    shoot_everywhere(page, "unsandboxed", question)
    question.get_by_role("button", name="Cancel").click()
    expect(question).to_be_hidden()
    assert house.board.card(first)["status"] == "todo"

    # A new card that shall start at once is asked about as well, and what was written stays.
    page.keyboard.press("c")
    dialog = page.get_by_role("dialog", name="New card")
    dialog.get_by_label("Title").fill("three")
    dialog.get_by_label("Agent").select_option("script")
    dialog.get_by_label("Command").fill("true")
    dialog.get_by_role("button", name="Create and start").click()
    question.get_by_role("button", name="Cancel").click()
    expect(question).to_be_hidden()
    expect(dialog.get_by_label("Title")).to_have_value("three")
    dialog.get_by_role("button", name="Create", exact=True).click()
    expect(dialog).to_be_hidden()
    tile = page.get_by_role("region", name="To Do").locator("[data-card]", has_text="three")
    expect(tile).to_be_visible()

    page.get_by_role("link", name="one").click()
    sheet = page.get_by_role("dialog").first
    sheet.get_by_role("button", name="Start", exact=True).click()
    question.get_by_role("button", name="Start without isolation").click()
    started(house, first)
    house.board.wait_for(first, "in_review")

    page.goto(f"{house.server.url}/r/{REPO}")
    page.get_by_role("link", name="two").focus()
    page.keyboard.press("s")
    started(house, second)
    house.board.wait_for(second, "in_review")
    expect(question).to_be_hidden()
