"""A card calls its person while they look elsewhere, if they asked for it."""

from __future__ import annotations

import re
from typing import Final

from playwright.sync_api import Page, expect

from acceptance.house import House
from e2e.axe import complaints
from e2e.pictures import shoot_everywhere

# A page of headless Chromium is never in the background: the test says when it is. What is shown on the
# desktop is kept, so that the test can click it.
STAND_IN: Final = """
window.inBackground = false;
window.shown = [];
Object.defineProperty(document, 'visibilityState', {
    get: () => (window.inBackground ? 'hidden' : 'visible'),
});
window.Notification = class extends window.Notification {
    constructor(title, options) {
        super(title, options);
        window.shown.push(this);
    }
};
"""


def go_to_background(page: Page, *, away: bool) -> None:
    page.evaluate(
        "(away) => { window.inBackground = away; document.dispatchEvent(new Event('visibilitychange')); }",
        away,
    )


def shown(page: Page) -> list[str]:
    titles: list[str] = page.evaluate(
        "() => window.shown.map((each) => `${each.title}: ${each.body}`)"
    )
    return titles


def test_a_card_calls_its_person_who_looks_elsewhere(house: House, page: Page) -> None:
    house.repository("shop")
    board = house.board
    good, bad = [
        house.script("shop", title, command)
        for title, command in (("Works", "echo 1 > 1.txt"), ("Breaks", "exit 1"))
    ]
    assert house.server.link is not None
    page.context.grant_permissions(["notifications"], origin=house.server.url)
    page.add_init_script(STAND_IN)
    page.goto(house.server.link.replace("/#", "/settings#"))
    wish = page.get_by_role("checkbox", name="Tell me when a card wants me")
    expect(wish).not_to_be_checked()
    wish.check()
    shoot_everywhere(page, "attention", wish)
    assert complaints(page) == []
    page.goto(f"{house.server.url}/r/shop")
    expect(page.get_by_role("link", name="Works")).to_be_visible()

    go_to_background(page, away=True)
    for card, status in ((good, "in_review"), (bad, "failed")):
        board.command(card, "start")
        board.wait_for(card, status)
    expect(page).to_have_title(re.compile(r"^\(2\) shop · LazyAF$"))
    assert shown(page) == ["shop #1 is ready for review: Works", "shop #2 failed: Breaks"]

    page.evaluate("() => window.shown[0].dispatchEvent(new Event('click'))")
    expect(page.get_by_role("dialog")).to_contain_text("Works")
    go_to_background(page, away=False)
    expect(page).to_have_title(re.compile(r"^#1 Works"))

    # What they see needs no word.
    board.command(bad, "retry")
    board.wait_for(bad, "failed")
    expect(page.locator("[data-card]", has_text="Breaks")).to_contain_text("Retry")
    assert len(shown(page)) == 2
