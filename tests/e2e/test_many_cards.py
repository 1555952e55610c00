"""Many cards at once, and the archive: what one browser does, another sees."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from acceptance.house import House
from e2e.pictures import shoot_everywhere


def column(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name)


def titles(page: Page, name: str) -> Locator:
    return column(page, name).get_by_role("heading", level=3)


def notifications(page: Page) -> Locator:
    return page.get_by_role("region", name="Notifications")


def open_twice(house: House, page: Page, path: str) -> Page:
    """The board in this page and in another tab."""
    assert house.server.link is not None
    page.goto(house.server.link.replace("/#", f"{path}#"))
    expect(page.locator("[data-card]").first).to_be_visible()
    other = page.context.new_page()
    other.goto(page.url)
    expect(other.locator("[data-card]").first).to_be_visible()
    return other


def test_marked_cards_start_in_the_order_of_the_board(house: House, page: Page) -> None:
    house.repository("shop")
    board = house.board
    board.patch("/api/settings", {"claims_paused": True})
    for title in ("Third", "Second", "First"):
        house.script("shop", title, "true")
    other = open_twice(house, page, "/r/shop")

    page.keyboard.press("j")
    page.keyboard.press("Shift+J")
    page.keyboard.press("Shift+J")
    bar = page.get_by_role("toolbar", name="Selected cards")
    expect(bar).to_contain_text("3 selected")
    page.keyboard.press("s")
    for seen in (page, other):
        expect(titles(seen, "In Progress")).to_have_text(["First", "Second", "Third"])
    expect(bar).to_have_count(0)
    expect(notifications(page).get_by_text("3 started.")).to_be_visible()

    # In Progress none of them can be started again: told once, with the reason, and they stay marked.
    titles(page, "In Progress").first.get_by_role("link").click(modifiers=["Control"])
    titles(page, "In Progress").last.get_by_role("link").click(modifiers=["Shift"])
    expect(bar).to_contain_text("3 selected")
    shoot_everywhere(page, "many-selected", bar)
    bar.get_by_role("button", name="Label").click()
    page.get_by_role("textbox", name="A new label").fill("later")
    page.keyboard.press("Control+Enter")
    expect(column(other, "In Progress").locator("[data-card]", has_text="later")).to_have_count(3)
    page.keyboard.press("Escape")
    expect(bar).to_have_count(0)
    board.post("/api/jobs/cancel-all")


def test_archived_cards_leave_every_browser_and_come_back(house: House, page: Page) -> None:
    house.repository("shop")
    for number in range(2):
        title = f"Done {number}"
        card = house.script("shop", title, f"echo 1 > {number}.txt")
        house.board.command(card, "start")
        house.board.wait_for(card, "in_review")
        house.board.approve(card)
    house.script("shop", "Still to do", "true")
    other = open_twice(house, page, "/r/shop")

    column(page, "Done").get_by_role("button", name="Done cards").click()
    page.get_by_role("menuitem", name="Archive all 2").click()
    page.get_by_role("dialog").get_by_role("button", name="Archive").click()
    for seen in (page, other):
        expect(titles(seen, "Done")).to_have_count(0)

    other.get_by_role("textbox", name="Filter").fill("is:archived")
    expect(titles(other, "Archive")).to_have_count(2)
    expect(titles(other, "To Do")).to_have_count(0)
    shoot_everywhere(other, "archive", titles(other, "Archive").first)
    titles(other, "Archive").first.get_by_role("link").focus()
    other.keyboard.press("a")
    expect(titles(other, "Archive")).to_have_count(1)
    expect(titles(page, "Done")).to_have_count(1)

    # One that is in the archive still has its address.
    page.goto(page.url.split("#")[0].split("?")[0] + "/c/1")
    expect(page.get_by_role("dialog")).to_contain_text("Done 0")
