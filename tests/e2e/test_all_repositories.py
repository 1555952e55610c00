"""The board of all repositories: every card with its repository's name, and everything works as on one's own."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from acceptance.house import House
from e2e.axe import complaints
from e2e.palette import run_from_palette
from e2e.pictures import SIZES, resize, schemes, shoot_everywhere


def column(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name)


def titles(page: Page, name: str) -> Locator:
    return column(page, name).get_by_role("heading", level=3)


def tile(page: Page, title: str) -> Locator:
    return page.locator("[data-card]", has_text=title)


@pytest.fixture
def two(house: House) -> House:
    """A server with two repositories, each with cards, which gives out no job."""
    for name in ("shop", "docs"):
        house.repository(name)
    house.board.patch("/api/settings", {"claims_paused": True})
    for repo, title in (("docs", "Write a glossary"), ("shop", "Sort orders"), ("shop", "Search")):
        house.script(repo, title, "true")
    return house


def open_all(house: House, page: Page, query: str = "") -> None:
    assert house.server.link is not None
    page.goto(house.server.link.replace("/#", f"/all{query}#"))
    expect(page.locator("[data-card]").first).to_be_visible()


def test_two_browsers_see_each_others_moves_across_repositories(two: House, page: Page) -> None:
    open_all(two, page)
    expect(titles(page, "To Do")).to_have_text(["Search", "Sort orders", "Write a glossary"])
    expect(tile(page, "Write a glossary")).to_contain_text("docs")
    expect(tile(page, "Search")).to_contain_text("shop")
    other = page.context.new_page()
    other.goto(page.url)
    expect(titles(other, "To Do")).to_have_count(3)

    # Past a card of another repository, by the keyboard.
    tile(page, "Sort orders").get_by_role("link").focus()
    page.keyboard.press("Alt+ArrowDown")
    for seen in (page, other):
        expect(titles(seen, "To Do")).to_have_text(["Search", "Write a glossary", "Sort orders"])

    # Many at once: each press meets its card, though the selected one above has a row more. What waits is one queue.
    for title in ("Search", "Write a glossary"):
        tile(other, title).get_by_role("link").click(modifiers=["Control"])
    other.get_by_role("toolbar", name="Selected cards").get_by_role("button", name="Start").click()
    for seen in (page, other):
        expect(titles(seen, "In Progress")).to_have_text(["Search", "Write a glossary"])
        expect(tile(seen, "Write a glossary")).to_contain_text("Jobs are paused · 2nd")
    shoot_everywhere(page, "all-repositories", titles(page, "To Do").first)
    found = []
    for scheme in schemes(page):
        for width, height in SIZES:
            resize(page, width, height)
            found += [f"{scheme}, {width}: {each}" for each in complaints(page)]
    assert found == []
    two.board.post("/api/jobs/cancel-all")
    expect(titles(page, "To Do")).to_have_count(3)


def test_a_card_opens_over_the_board_of_all_and_leads_back_to_it(two: House, page: Page) -> None:
    open_all(two, page, "?q=repo%3Adocs")
    expect(titles(page, "To Do")).to_have_text(["Write a glossary"])
    tile(page, "Write a glossary").get_by_role("link").click()
    sheet = page.get_by_role("dialog")
    expect(sheet).to_contain_text("Write a glossary")
    expect(sheet).to_contain_text("docs · To Do")
    page.wait_for_url("**/all/c/docs/1*")
    expect(page.locator("[data-card]")).to_have_count(1)
    page.reload()
    expect(sheet).to_contain_text("Write a glossary")
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    expect(page).to_have_url(re.compile(r"/all(\?q=repo%3Adocs)?$"))
    expect(tile(page, "Write a glossary").get_by_role("link")).to_be_focused()

    # `/` leads to the board that was last open.
    page.goto(two.server.url)
    expect(page.get_by_role("button", name="All repositories")).to_be_visible()
    page.wait_for_url("**/all")


def test_a_new_card_asks_for_its_repository(two: House, page: Page) -> None:
    open_all(two, page)
    tile(page, "Write a glossary").get_by_role("link").focus()
    page.keyboard.press("c")
    dialog = page.get_by_role("dialog", name="New card")
    where = dialog.get_by_label("Repository", exact=True)
    expect(where.locator("option:checked")).to_have_text("docs")
    where.select_option(label="shop")
    dialog.get_by_label("Title").fill("Apply coupons")
    page.keyboard.press("Control+Enter")
    expect(titles(page, "To Do").first).to_have_text("Apply coupons")
    expect(tile(page, "Apply coupons")).to_contain_text("shop")
    tile(page, "Apply coupons").get_by_role("link").focus()
    page.keyboard.press("e")
    edit = page.get_by_role("dialog", name="Edit #3")
    expect(edit.get_by_label("Title")).to_have_value("Apply coupons")
    expect(edit.get_by_label("Repository", exact=True)).to_have_count(0)


def test_picker_and_palette_lead_to_it_and_away(two: House, page: Page) -> None:
    assert two.server.link is not None
    page.goto(two.server.link.replace("/#", "/r/shop#"))
    expect(titles(page, "To Do")).to_have_count(2)
    page.get_by_role("button", name="shop").click()
    page.get_by_role("menuitem", name="All repositories", exact=True).click()
    expect(titles(page, "To Do")).to_have_count(3)
    run_from_palette(page, "board of docs")
    expect(titles(page, "To Do")).to_have_text(["Write a glossary"])
    run_from_palette(page, "board of all")
    expect(titles(page, "To Do")).to_have_count(3)
