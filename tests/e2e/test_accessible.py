"""axe finds nothing on any screen, in the light and in the dark, on a desk and on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest
from playwright.sync_api import Locator, Page, expect

from acceptance.house import House
from e2e.axe import complaints
from e2e.pictures import SIZES, resize, schemes
from e2e.stage import GATE, REPO, REVIEWED, set_stage

RUNNING: Final = "Typo-tolerant product search"
FAILED: Final = "Generate the OpenAPI client"


def look(page: Page, screen: str, shown: Locator) -> list[str]:
    """What is wrong with what is ``shown``, in each scheme and size."""
    found = []
    for scheme in schemes(page):
        for width, height in SIZES:
            resize(page, width, height)
            expect(shown).to_be_visible()
            found += [f"{screen}, {scheme}, {width}: {each}" for each in complaints(page)]
    return found


@pytest.fixture
def staged(house: House) -> Iterator[House]:
    """A working day under way."""
    set_stage(house)
    yield house
    house.model.release(GATE)


def test_the_door(house: House, page: Page) -> None:
    page.goto(house.server.url)
    found = look(page, "door", page.get_by_text("lazyaf open"))

    assert house.server.link is not None
    page.goto(house.server.link)
    found += look(page, "first run", page.get_by_role("button", name="Try the demo"))

    assert found == []


@pytest.mark.claude
def test_every_screen(staged: House, page: Page) -> None:
    link = staged.server.link
    assert link is not None
    page.goto(link.replace("/#", f"/r/{REPO}#"))
    card = page.get_by_role("link", name=REVIEWED)
    found = look(page, "board", card)
    for title, shown in (
        (REVIEWED, "Approve and merge"),
        (RUNNING, "Stop"),
        (FAILED, "Retry"),
    ):
        page.get_by_role("link", name=title).click()
        sheet = page.get_by_role("dialog")
        expect(sheet).to_contain_text(title)
        for tab in ("Activity", "Changes", "Details"):
            resize(page, 375, 812)
            page.get_by_role("tab", name=tab).click()
            button = sheet.get_by_role("button", name=shown)
            found += look(page, f"{title}: {tab}", button.first)
        page.keyboard.press("Escape")
        expect(sheet).to_be_hidden()
    for path, heading in (
        (f"/r/{REPO}/branches", "Branches"),
        (f"/r/{REPO}/settings", "Settings"),
        ("/settings", "Settings"),
    ):
        page.goto(staged.server.url + path)
        found += look(page, path, page.get_by_role("heading", name=heading).first)

    assert found == []


@pytest.mark.claude
def test_every_dialog(staged: House, page: Page) -> None:
    link = staged.server.link
    assert link is not None
    page.goto(link.replace("/#", f"/r/{REPO}#"))
    found = []
    for keys, name in (("c", "New card"), ("?", "Keyboard"), ("Control+k", "Commands")):
        expect(page.get_by_role("link", name=REVIEWED)).to_be_visible()
        page.keyboard.press(keys)
        dialog = page.get_by_role("dialog", name=name)
        found += look(page, name, dialog)
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
    page.get_by_role("button", name="2 of 2 runners busy").click()
    found += look(page, "runners", page.get_by_role("dialog", name="Runners"))

    assert found == []
