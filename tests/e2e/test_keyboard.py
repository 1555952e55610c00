"""The whole loop by the keyboard alone: create, start, follow, comment, request changes, approve."""

from __future__ import annotations

import re

from playwright.sync_api import Page, Route, expect

from acceptance.house import House
from support.waiting import until

TITLE = "Greet everybody"
COMMAND = "[ -e greeting.txt ] && echo '[#1] Said it.'; echo hello >> greeting.txt"


def has_visible_focus(page: Page) -> bool:
    """Whether something is focused, and seen to be."""
    return bool(
        page.evaluate(
            """() => {
                const focused = document.activeElement;
                if (!focused || focused === document.body) return false;
                const seen = (element, pseudo) => {
                    const style = getComputedStyle(element, pseudo);
                    return style.outlineStyle !== 'none' || style.boxShadow !== 'none'
                        || (pseudo && style.borderTopStyle === 'solid');
                };
                return seen(focused) || seen(focused.parentElement, '::after')
                    || focused.matches('textarea, input') || seen(focused.closest('article, li') ?? focused);
            }"""
        )
    )


def test_the_loop_needs_no_mouse(house: House, page: Page) -> None:
    house.repository("greeter")
    assert house.server.link is not None
    page.goto(house.server.link.replace("/#", "/r/greeter#"))
    expect(page.get_by_role("heading", name="To Do")).to_be_visible()
    keys = page.keyboard

    # Create.
    keys.press("c")
    dialog = page.get_by_role("dialog", name="New card")
    expect(dialog.get_by_label("Title")).to_be_focused()
    keys.type(TITLE)
    agent = dialog.get_by_label("Agent")
    for _ in range(12):
        if agent.evaluate("one => one === document.activeElement"):
            break
        keys.press("Tab")
    expect(agent).to_be_focused()
    keys.type("Script")
    expect(dialog.get_by_label("Command")).to_be_visible()
    for _ in range(6):
        if dialog.get_by_label("Command").evaluate("one => one === document.activeElement"):
            break
        keys.press("Tab")
    keys.type(COMMAND)
    keys.press("Control+Enter")
    expect(dialog).to_be_hidden()
    tile = page.get_by_role("link", name=TITLE)
    expect(tile).to_be_visible()

    # Start, open, follow.
    keys.press("j")
    expect(tile).to_be_focused()
    assert has_visible_focus(page)
    keys.press("s")
    review = page.get_by_role("region", name="In Review")
    expect(review.get_by_role("link", name=TITLE)).to_be_visible()
    expect(tile).to_be_focused()
    keys.press("Enter")
    changes = page.get_by_role("region", name=re.compile("^Changes"))
    expect(changes).to_contain_text("hello")

    # Comment on a line, and send it with a word.
    for _ in range(40):
        if changes.evaluate("one => one === document.activeElement"):
            break
        keys.press("Tab")
    expect(changes).to_be_focused()
    assert has_visible_focus(page)
    keys.press("ArrowDown")
    keys.press("Enter")
    expect(page.get_by_role("textbox", name="Comment on line 1 of greeting.txt")).to_be_focused()
    keys.type("Say it twice.")
    keys.press("Control+Enter")
    expect(changes).to_be_focused()
    keys.press("r")
    message = page.get_by_role("textbox", name="What the agent should change")
    expect(message).to_be_focused()
    keys.type("Please.")
    keys.press("Control+Enter")
    expect(page.get_by_role("group", name="Comment #1").first).to_contain_text("Said it.")

    # Approve what is there now; it asks once, for nobody has resolved the comment.
    load = page.get_by_role("button", name="Load the new commits")
    if load.is_visible():
        load.press("Enter")
    expect(page.get_by_role("button", name="Approve and merge")).to_be_enabled()
    keys.press("Shift+A")
    asked = page.get_by_role("dialog", name=re.compile("^Approve with a comment"))
    expect(asked).to_be_visible()
    yes = asked.get_by_role("button", name="Approve and merge")
    for _ in range(4):
        if yes.evaluate("one => one === document.activeElement"):
            break
        keys.press("Tab")
    expect(yes).to_be_focused()
    assert has_visible_focus(page)
    keys.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    done = page.get_by_role("region", name="Done").get_by_role("link", name=TITLE)
    expect(done).to_be_focused()
    card = house.board.get("/api/repos/greeter/cards")["items"][0]["id"]
    until(lambda: house.board.card(card)["status"] == "done", "it is merged")


def test_what_is_pressed_while_a_dialog_is_on_its_way_does_nothing_else(
    house: House, page: Page
) -> None:
    """Its code comes when it is first opened; Escape takes it back before that, as it does after."""
    house.repository("shop")
    house.script("shop", "One", "true")
    assert house.server.link is not None
    page.goto(house.server.link.replace("/#", "/r/shop#"))
    expect(page.locator("[data-card]")).to_be_visible()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/chunks/*.js", hold)
    filtered, dialog = page.get_by_placeholder("Filter"), page.get_by_role("dialog")

    with page.expect_request("**/chunks/*.js"):
        page.keyboard.press("c")
    page.keyboard.press("/")
    expect(filtered).not_to_be_focused()
    page.keyboard.press("Escape")

    with page.expect_event("requestfinished"):
        for route in held:
            route.continue_()
    page.unroute("**/chunks/*.js")
    page.keyboard.press("/")
    expect(filtered).to_be_focused()
    expect(dialog).to_be_hidden()
