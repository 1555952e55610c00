"""Cards under a finger, on a phone and on a tablet: a tap opens, a swipe scrolls, what is held is lifted.

Chromium gets real touches, by its debugging protocol.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import CDPSession, Locator, Page, expect

from acceptance.house import House
from e2e.pictures import ARTIFACTS, shoot

PHONE = (375, 812)
TABLET = (1180, 820)


class Finger:
    """One finger on the page."""

    def __init__(self, page: Page) -> None:
        self._session: CDPSession = page.context.new_cdp_session(page)
        self._page = page

    def down(self, x: float, y: float) -> None:
        self._send("touchStart", [{"x": x, "y": y}])

    def move(self, x: float, y: float) -> None:
        self._send("touchMove", [{"x": x, "y": y}])

    def up(self) -> None:
        self._send("touchEnd", [])

    def hold(self, tile: Locator) -> tuple[float, float]:
        """Put it on the card's middle and wait until that is lifted; where that is."""
        box = tile.bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        self.down(x, y)
        expect(tile).to_have_attribute("data-lifted", "")
        return x, y

    def _send(self, kind: str, points: list[dict[str, float]]) -> None:
        self._session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


@pytest.fixture
def touched(house: House, page: Page, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The board with three cards in To Do, on a screen that is touched; no job is given out."""
    house.repository("shop")
    house.board.patch("/api/settings", {"claims_paused": True})
    for title in ("Third", "Second", "First"):
        house.script("shop", title, "true")
    width, height = request.param
    browser = page.context.browser
    assert browser is not None
    context = browser.new_context(
        viewport={"width": width, "height": height}, has_touch=True, reduced_motion="reduce"
    )
    made = context.new_page()
    assert house.server.link is not None
    made.goto(house.server.link.replace("/#", "/r/shop#"))
    expect(tile(made, "First")).to_be_visible()
    yield made
    house.board.post("/api/jobs/cancel-all")
    context.close()


def tile(page: Page, title: str) -> Locator:
    return page.locator("[data-card]", has_text=title)


def titles(page: Page, column: str) -> Locator:
    return page.get_by_role("region", name=column).get_by_role("heading", level=3)


@pytest.mark.parametrize("touched", [PHONE], indirect=True)
def test_held_and_let_go_it_offers_where_it_can_move(touched: Page) -> None:
    finger = Finger(touched)
    finger.hold(tile(touched, "Second"))
    finger.up()
    menu = touched.get_by_role("menu", name="Move #2 to")
    expect(menu).to_be_visible()
    shoot(touched, ARTIFACTS / "touch-menu-375.png")
    menu.get_by_role("menuitem", name="In Progress").tap()
    expect(titles(touched, "In Progress")).to_have_text(["Second"])
    expect(touched.get_by_role("dialog")).to_have_count(0)


@pytest.mark.parametrize("touched", [PHONE], indirect=True)
def test_it_is_dragged_past_others_and_over_the_edge_into_the_next_column(touched: Page) -> None:
    finger = Finger(touched)
    x, y = finger.hold(tile(touched, "First"))
    last = tile(touched, "Third").bounding_box()
    assert last is not None
    finger.move(x, y + 30)
    finger.move(x, last["y"] + last["height"] - 4)
    shoot(touched, ARTIFACTS / "touch-drag-375.png")
    finger.up()
    expect(titles(touched, "To Do")).to_have_text(["Second", "Third", "First"])

    x, y = finger.hold(tile(touched, "Second"))
    finger.move(x + 40, y)
    finger.move(370, y)
    tab = touched.get_by_role("navigation", name="Columns").get_by_role(
        "button", name="In Progress"
    )
    expect(tab).to_have_attribute("aria-current", "true")
    finger.move(200, 400)
    expect(touched.get_by_text("Start", exact=True).last).to_be_visible()
    finger.up()
    expect(titles(touched, "In Progress")).to_have_text(["Second"])


@pytest.mark.parametrize("touched", [PHONE], indirect=True)
def test_a_tap_opens_and_a_swipe_lifts_nothing(touched: Page) -> None:
    finger = Finger(touched)
    box = tile(touched, "First").bounding_box()
    assert box is not None
    finger.down(200, box["y"] + 20)
    for step in range(1, 8):
        finger.move(200 - step * 20, box["y"] + 20)
    expect(tile(touched, "First")).not_to_have_attribute("data-lifted", "")
    finger.up()
    expect(touched.get_by_role("menu")).to_have_count(0)
    tile(touched, "First").tap()
    expect(touched.get_by_role("dialog")).to_contain_text("First")


@pytest.mark.parametrize("touched", [TABLET], indirect=True)
def test_on_a_tablet_it_goes_straight_to_another_column_and_is_refused_where_it_cannot(
    touched: Page,
) -> None:
    finger = Finger(touched)
    progress = touched.get_by_role("region", name="In Progress").bounding_box()
    done = touched.get_by_role("region", name="Done").bounding_box()
    assert progress is not None
    assert done is not None
    x, y = finger.hold(tile(touched, "Third"))
    finger.move(x + 30, y)
    finger.move(done["x"] + 60, 300)
    expect(touched.get_by_text("There is nothing to approve yet")).to_be_visible()
    finger.move(progress["x"] + 60, 300)
    finger.up()
    expect(titles(touched, "In Progress")).to_have_text(["Third"])
