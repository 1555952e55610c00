"""The pictures of the README, taken from a real board.

They are left in tests/artifacts; ``LAZYAF_UPDATE_SCREENSHOTS=1`` also copies them to docs/images.
"""

from __future__ import annotations

import os
import shutil
from typing import Final

import pytest
from playwright.sync_api import Page, expect

from acceptance.house import House
from e2e.conftest import ROOT
from e2e.pictures import ARTIFACTS, shoot
from e2e.stage import GATE, REPO, REVIEWED, set_stage

IMAGES: Final = ROOT / "docs" / "images"


@pytest.fixture
def staged(house: House) -> House:
    """A server on whose board a working day is under way."""
    set_stage(house)
    return house


def keep(page: Page, name: str) -> None:
    """Take the picture, and put it into the documentation when asked to."""
    picture = ARTIFACTS / name
    shoot(page, picture)
    assert picture.stat().st_size > 10_000
    if os.environ.get("LAZYAF_UPDATE_SCREENSHOTS") == "1":
        IMAGES.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(picture, IMAGES / name)


@pytest.mark.claude
def test_board_and_card_look_as_the_readme_shows(staged: House, page: Page) -> None:
    assert staged.server.link is not None
    page.goto(staged.server.link.replace("/#", f"/r/{REPO}#"))
    for title, count in (("To Do", 4), ("In Progress", 3), ("In Review", 2), ("Done", 3)):
        expect(page.get_by_role("region", name=title).get_by_role("link")).to_have_count(count)
    expect(page.get_by_role("button", name="2 of 2 runners busy")).to_be_visible()
    keep(page, "board.png")

    page.get_by_role("link", name=REVIEWED).click()
    changes = page.get_by_role("tabpanel", name="Changes")
    expect(changes).to_contain_text("saved: Cart")
    expect(changes.locator(".code .t2").first).to_be_visible()  # the code is coloured
    expect(page.get_by_role("log", name="Activity")).to_contain_text("the guest's cart is empty")
    keep(page, "card.png")
    staged.model.release(GATE)
