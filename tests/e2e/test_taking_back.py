"""What would lose something asks once or can be taken back, and the words about it do not pile up."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, Route, expect

from acceptance.house import House
from e2e.axe import complaints
from e2e.pictures import shoot_everywhere


def tile(page: Page, title: str) -> Locator:
    return page.locator("[data-card]", has_text=title)


def toasts(page: Page) -> Locator:
    return page.locator("[data-sonner-toast][data-visible=true]")


def open_board(house: House, page: Page) -> None:
    assert house.server.link is not None
    page.goto(house.server.link.replace("/#", "/r/shop#"))
    expect(page.locator("[data-card]").first).to_be_visible()


def move_to(page: Page, title: str, column: str) -> None:
    tile(page, title).get_by_role("link").focus()
    page.keyboard.press("m")
    page.get_by_role("menuitem", name=column).click()


def test_rejecting_asks_once(house: House, page: Page) -> None:
    house.repository("shop")
    card = house.script("shop", "Works", "echo 1 > 1.txt")
    house.board.command(card, "start")
    house.board.wait_for(card, "in_review")
    open_board(house, page)
    question = page.get_by_role("dialog", name="Reject #1?")

    move_to(page, "Works", "To Do")
    shoot_everywhere(page, "reject", question)
    assert complaints(page) == []
    question.get_by_role("button", name="Cancel").click()
    expect(question).to_be_hidden()
    assert house.board.card(card)["status"] == "in_review"

    tile(page, "Works").get_by_role("link").click()
    page.get_by_role("dialog").get_by_role("button", name="Reject").click()
    question.get_by_role("button", name="Reject").click()
    expect(page.get_by_text("#1 is back in To Do.").first).to_be_visible()
    assert house.board.card(card)["status"] == "todo"


def test_what_was_written_is_not_lost_by_a_key(house: House, page: Page) -> None:
    house.repository("shop")
    house.script("shop", "One", "true")
    open_board(house, page)
    page.keyboard.press("c")
    dialog = page.get_by_role("dialog", name="New card")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()

    page.keyboard.press("c")
    dialog.get_by_label("Title").fill("A long thought")
    page.keyboard.press("Escape")
    question = page.get_by_role("dialog", name="Discard what you wrote?")
    question.get_by_role("button", name="Cancel").click()
    expect(question).to_be_hidden()
    expect(dialog.get_by_label("Title")).to_have_value("A long thought")
    page.keyboard.press("Escape")
    question.get_by_role("button", name="Discard").click()
    expect(dialog).to_be_hidden()


def test_many_changes_are_taken_back_and_words_do_not_pile_up(house: House, page: Page) -> None:
    house.repository("shop")
    first = house.script("shop", "One", "true", priority=1)
    second = house.script("shop", "Two", "true", priority=2)
    open_board(house, page)
    for title in ("One", "Two"):
        tile(page, title).get_by_role("link").click(modifiers=["Control"])
    bar = page.get_by_role("toolbar", name="Selected cards")
    bar.get_by_role("button", name="Priority").click()
    page.get_by_role("menuitem", name="Urgent").click()
    expect(tile(page, "One").get_by_label("Priority: Urgent")).to_be_visible()
    toasts(page).get_by_role("button", name="Undo").click()
    expect(tile(page, "One").get_by_label("Priority: Low")).to_be_visible()
    expect(tile(page, "Two").get_by_label("Priority: Medium")).to_be_visible()
    assert [house.board.card(card)["priority"] for card in (first, second)] == [1, 2]

    page.keyboard.press("Escape")

    # The same refusal again and again is one toast, and others are three at most.
    asked: list[str] = []

    def refuse(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(
            status=409, json={"title": "No", "status": 409, "detail": "Not now.", "code": "no"}
        )

    page.route("**/api/cards/*/move", refuse)
    refusal = page.get_by_text("#2 stays where it was.")
    for count in range(1, 4):
        tile(page, "Two").get_by_role("link").focus()
        page.keyboard.press("Alt+ArrowDown")
        expect(refusal.first).to_be_visible()
        expect(tile(page, "Two")).not_to_have_class(re.compile("pending"))
        assert len(asked) == count
    expect(page.locator("[data-sonner-toast]", has_text="stays where it was")).to_have_count(1)
    for number in range(3, 7):
        tile(page, "One").first.get_by_role("link").focus()
        page.keyboard.press("Shift+D")
        expect(page.locator("[data-sonner-toast]", has_text=f"#{number} is a copy")).to_have_count(
            1
        )
    expect(page.locator("[data-sonner-toast]")).to_have_count(3)
