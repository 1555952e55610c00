"""The queue on the board: cards say their place and what holds them, without anyone loading it again."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from acceptance.house import House

LONG = "sleep 1000"


def tile(page: Page, title: str) -> Locator:
    return page.get_by_role("region", name="In Progress").locator("li", has_text=title)


def order(page: Page) -> list[str]:
    column = page.get_by_role("region", name="In Progress")
    return [text.strip() for text in column.get_by_role("heading", level=3).all_inner_texts()]


def test_a_waiting_card_tells_its_place_and_moves_with_it(house: House, page: Page) -> None:
    house.repository("shop")
    board = house.board
    titles = ("First", "Second", "Third")
    cards = {title: house.script("shop", title, LONG) for title in titles}
    board.patch("/api/settings", {"claims_paused": True})
    assert house.server.link is not None
    page.goto(house.server.link.replace("/#", "/r/shop#"))
    for title in titles:
        board.command(cards[title], "start")
    expect(tile(page, "First")).to_contain_text("Jobs are paused · next")
    expect(tile(page, "Third")).to_contain_text("Jobs are paused · 3rd")
    assert order(page) == ["First", "Second", "Third"]

    tile(page, "Third").get_by_role("link").focus()
    page.keyboard.press("Alt+ArrowUp")
    expect(tile(page, "Third")).to_contain_text("Jobs are paused · 2nd")
    expect(tile(page, "Second")).to_contain_text("Jobs are paused · 3rd")
    assert order(page) == ["First", "Third", "Second"]

    board.patch("/api/repos/shop", {"settings": {"wip_limit": 1}})
    board.patch("/api/settings", {"claims_paused": False})
    expect(tile(page, "Third")).to_contain_text("Repository at its limit · next")
    expect(tile(page, "Second")).to_contain_text("Repository at its limit · 2nd")

    board.command(cards["First"], "cancel")
    expect(tile(page, "First")).to_have_count(0)
    expect(tile(page, "Third")).not_to_contain_text("limit")
    expect(tile(page, "Second")).to_contain_text("Repository at its limit · next")

    board.patch("/api/repos/shop", {"settings": {"wip_limit": None}})
    expect(tile(page, "Second")).not_to_contain_text("limit")
    board.post("/api/jobs/cancel-all")
    for title in titles:
        board.wait_for(cards[title], "todo")
