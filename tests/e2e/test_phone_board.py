"""The board on a phone: one column at a time, and nothing out of reach."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from acceptance.house import House
from e2e.pictures import shoot_everywhere

PHONE = {"width": 375, "height": 812}


def tab(page: Page, name: str) -> Locator:
    return page.get_by_role("navigation", name="Columns").get_by_role("button", name=name)


def open_on_phone(house: House, page: Page, path: str, size: dict[str, int] = PHONE) -> None:
    assert house.server.link is not None
    page.set_viewport_size(size)  # type: ignore[arg-type]
    page.goto(house.server.link.replace("/#", f"{path}#"))


def test_the_archive_opens_where_its_cards_are(house: House, page: Page) -> None:
    house.repository("shop")
    card = house.script("shop", "Old news", "echo 1 > 1.txt")
    house.board.command(card, "start")
    house.board.wait_for(card, "in_review")
    house.board.approve(card)
    house.board.command(card, "archive")
    open_on_phone(house, page, "/r/shop?q=is%3Aarchived")
    expect(tab(page, "Archive")).to_have_attribute("aria-current", "true")
    expect(page.get_by_role("link", name="Old news")).to_be_in_viewport()
    filter_box = page.get_by_role("textbox", name="Filter")
    filter_box.fill("")
    expect(filter_box).to_have_attribute(
        "placeholder", "Filter — text, label:, agent:, status:, is:archived"
    )


def test_the_bar_of_marked_cards_keeps_its_way_out_in_reach(house: House, page: Page) -> None:
    house.repository("shop")
    house.board.patch("/api/settings", {"claims_paused": True})
    for number in range(3):
        house.script("shop", f"Card {number}", "true")
    open_on_phone(house, page, "/r/shop")
    for number in range(3):
        page.get_by_role("link", name=f"Card {number}").click(modifiers=["Control"])
    bar = page.get_by_role("toolbar", name="Selected cards")
    away = bar.get_by_role("button", name="Select nothing")
    for reached in ("Start", "Archive"):
        bar.get_by_role("button", name=reached).scroll_into_view_if_needed()
        expect(bar.get_by_text("3 selected")).to_be_in_viewport(ratio=1)
        expect(away).to_be_in_viewport(ratio=1)
    shoot_everywhere(page, "phone-bulk", bar)
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]

    # What is started is gone from To Do: the page goes along.
    bar.get_by_role("button", name="Start").click()
    expect(tab(page, "In Progress")).to_have_attribute("aria-current", "true")
    expect(page.get_by_role("link", name="Card 0")).to_be_in_viewport()
    house.board.post("/api/jobs/cancel-all")


def test_the_menu_button_covers_nothing_of_a_tile(house: House, page: Page) -> None:
    house.repository("shop")
    house.board.patch("/api/settings", {"claims_paused": True})
    card = house.script("shop", "Waits", "true")
    house.board.command(card, "start")
    open_on_phone(house, page, "/r/shop", {"width": 1440, "height": 900})
    tile = page.locator("[data-card]", has_text="Waits")
    tile.hover()
    said = tile.get_by_text("queued 0:").bounding_box()
    button = tile.get_by_role("button", name="Move #1 to…").bounding_box()
    assert said is not None
    assert button is not None
    assert said["x"] + said["width"] <= button["x"]
    house.board.post("/api/jobs/cancel-all")
