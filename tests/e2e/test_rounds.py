"""A review in rounds: comments that are answered, outdated or open, what each round changed, and one question
before all of it is merged."""

from __future__ import annotations

import re
from typing import Final

from playwright.sync_api import Locator, Page, expect

from acceptance.house import FILES, House
from e2e.axe import complaints
from e2e.conftest import SIZE
from e2e.pictures import ARTIFACTS, SIZES, resize, schemes, shoot, shoot_everywhere
from support.history import commit_files
from support.waiting import until

REPO: Final = "storefront"
TITLE: Final = "Keep what a guest has chosen"
CART: Final = '''"""The shopping cart."""


class Cart:
    def __init__(self):
        self.items = []

    def add(self, article, amount):
        self.items.append((article, amount))

    def count(self):
        return len(self.items)

    def clear(self):
        self.items = []
'''
BETTER: Final = CART.replace(
    "self.items.append((article, amount))", "self.items[article] += amount"
)


def write(text: str, message: str, *said: str) -> str:
    """A command that commits this ``cart.py`` and then says something."""
    words = "".join(f"; echo '{line}'" for line in said)
    return f"cat > cart.py <<'END'\n{text}END\ngit add -A; git commit -qm '{message}'{words}"


def test_a_review_in_two_rounds(house: House, page: Page) -> None:
    checkout = house.repository(REPO, files={**FILES, "shop.py": "NAME = 'shop'\n"})
    card = house.script(REPO, TITLE, write(CART, "Add the cart"))
    house.board.command(card, "start")
    house.board.wait_for(card, "in_review")
    assert house.server.link is not None
    page.goto(house.server.link.replace("/#", f"/r/{REPO}/c/1#"))
    for line, words in (
        (6, "Why a list? Amounts of the same article should add up."),
        (9, "What if the amount is negative?"),
        (12, "Should this not be the sum of the amounts?"),
    ):
        comment_on(page, line, words, several=line == 12)
    command = write(
        BETTER.replace(
            "self.items = []\n\n    def add", "self.items = Counter()\n\n    def add"
        ).replace("class Cart", "from collections import Counter\n\n\nclass Cart"),
        "Count articles",
        "I have looked at the comments.",
        "[#1] Used a Counter: adding the same article twice adds up.",
    )
    house.board.patch(f"/api/cards/{card}", {"agent_options": {"command": command}})
    commit_files(checkout, {"theirs.txt": "theirs\n", "shop.py": "NAME = 'store'\n"}, "Rename")
    house.ingest(REPO, checkout)
    page.get_by_role("button", name="Request changes · 3").click()
    page.get_by_role("button", name=re.compile("^Send")).click()
    house.board.wait_for(card, "in_review", of="in_progress")
    page.reload()

    header = page.get_by_role("dialog")
    expect(header.get_by_text("1 open comment")).to_be_visible()
    third = comment(page, 3)
    expect(third).to_contain_text("Open")
    expect(third).to_contain_text("lines 15\N{EN DASH}16")
    page.get_by_role("button", name="2 comments on lines that are not shown").click()
    expect(comment(page, 2)).to_contain_text("Outdated")
    first = comment(page, 1)
    expect(first).to_contain_text("Answered")
    expect(first).to_contain_text("The agent: Used a Counter")
    shoot_everywhere_of_changes(page, "rounds-comments", first)

    first.get_by_role("button", name="In the activity").click()
    activity = page.get_by_role("tabpanel", name="Activity")
    expect(activity.get_by_text("[#1] Used a Counter")).to_be_visible()

    show(page, "Round 2")
    changes = page.get_by_role("tabpanel", name="Changes")
    expect(changes).to_contain_text("The base moved in between. What it brought is left out.")
    expect(changes).to_contain_text("1 file +")
    expect(changes).not_to_contain_text("theirs.txt")
    shoot_everywhere_of_changes(page, "rounds-second", changes)
    show(page, "Round 1")
    expect(changes).to_contain_text("+15")
    expect(comment(page, 1)).to_contain_text("line 6")
    show(page, "Since your review")
    expect(changes).not_to_contain_text("theirs.txt")

    changes.get_by_role("button", name="3 comments · 1 open").click()
    listed = page.get_by_role("region", name="Comments", exact=True)
    expect(listed.get_by_role("group")).to_have_count(3)
    shoot_everywhere_of_changes(page, "rounds-list", listed)
    listed.get_by_role("group", name="Comment #1").get_by_role("button", name="Resolve").click()
    expect(listed.get_by_role("group", name="Comment #1")).to_contain_text("Resolved")
    until(lambda: states(house, card)[0] == "resolved", "the server knows it")
    show(page, "All changes")

    page.get_by_role("button", name="Approve and merge").click()
    asked = page.get_by_role("dialog", name="Approve with 2 comments not resolved?")
    expect(asked).to_contain_text("Not resolved: 1 open, 1 outdated.")
    shoot_everywhere(page, "rounds-asked", asked)
    asked.get_by_role("button", name="Cancel").click()
    assert house.board.card(card)["status"] == "in_review"
    page.get_by_role("button", name="Approve and merge").click()
    asked.get_by_role("button", name="Approve and merge").click()
    until(lambda: house.board.card(card)["status"] == "done", "it is merged")
    assert states(house, card) == ["resolved", "outdated", "open"]


def comment_on(page: Page, line: int, words: str, *, several: bool = False) -> None:
    """As a person with a mouse does; on ``several`` lines with Shift."""
    row_of(page, line).hover()
    page.get_by_role("button", name=f"Comment on line {line}", exact=True).click()
    page.get_by_role("textbox", name=f"Comment on line {line} of cart.py").fill(words)
    if several:
        row_of(page, line + 1).hover()
        following = page.get_by_role("button", name=f"Comment on line {line + 1}", exact=True)
        following.click(modifiers=["Shift"])
    page.get_by_role("button", name="Add to review").click()


def row_of(page: Page, line: int) -> Locator:
    return page.locator("[data-row]").filter(has_text=re.compile(rf"^\s*{line}\s")).first


def comment(page: Page, number: int) -> Locator:
    return page.get_by_role("group", name=f"Comment #{number}").first


def show(page: Page, part: str) -> None:
    """Choose which of the changes are shown."""
    parts = re.compile("^(All changes|Since your review|Round [0-9]+)")
    page.get_by_role("tabpanel", name="Changes").get_by_role("button", name=parts).click()
    page.get_by_role("menu", name="Which changes").get_by_role(
        "menuitem", name=re.compile(f"^{part}")
    ).click()


def states(house: House, card: str) -> list[str]:
    return [each["state"] for each in house.board.get(f"/api/cards/{card}/comments")["items"]]


def shoot_everywhere_of_changes(page: Page, name: str, shown: Locator) -> None:
    """Pictures in which the changes are in view, also where there is room for one part alone; axe looks at
    each of them."""
    for scheme in schemes(page):
        for width, height in SIZES:
            resize(page, width, height)
            tab = page.get_by_role("tab", name="Changes")
            if width < 1080:
                tab.click()
            expect(shown).to_be_visible()
            assert complaints(page) == []
            shoot(page, ARTIFACTS / f"{name}-{width}-{scheme}.png")
    resize(page, SIZE["width"], SIZE["height"])
