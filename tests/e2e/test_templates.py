"""Card templates of the repository: offered where a card is written, and what was written stays."""

from __future__ import annotations

from typing import Final

from playwright.sync_api import Page, expect

from acceptance.house import House
from e2e.axe import complaints
from e2e.pictures import shoot_everywhere

BUG: Final = """---
name: Bug report
about: Something does not work
title: "Fix: "
labels: [bug]
priority: high
---

## What happens

## What should happen
"""


def test_a_new_card_begins_with_a_template(house: House, page: Page) -> None:
    house.repository("shop", files={".lazyaf/templates/bug.md": BUG})
    house.repository("docs")
    assert house.server.link is not None
    page.goto(house.server.link.replace("/#", "/r/shop#"))
    page.get_by_role("button", name="New card").first.click()
    dialog = page.get_by_role("dialog", name="New card")
    template = dialog.get_by_label("Template")
    template.select_option(label="Bug report")
    title = dialog.get_by_label("Title")
    expect(title).to_have_value("Fix: ")
    expect(dialog.get_by_label("Description")).to_have_value(
        "## What happens\n\n## What should happen"
    )
    expect(dialog.get_by_text("Something does not work")).to_be_visible()
    shoot_everywhere(page, "template", template)
    assert complaints(page) == []
    title.fill("Fix: totals are off by a cent")
    template.select_option(label="None")
    expect(title).to_have_value("Fix: totals are off by a cent")
    expect(dialog.get_by_label("Description")).to_have_value("")
    template.select_option(label="Bug report")
    page.keyboard.press("Control+Enter")
    tile = page.locator("[data-card]", has_text="Fix: totals are off by a cent")
    expect(tile).to_contain_text("bug")
    expect(tile.get_by_label("Priority: High")).to_be_visible()

    # On the board of all it is the chosen repository's.
    page.goto(f"{house.server.url}/all")
    expect(tile).to_be_visible()
    page.keyboard.press("c")
    expect(template).to_be_visible()
    template.select_option(label="Bug report")
    dialog.get_by_label("Repository", exact=True).select_option(label="docs")
    expect(template).to_have_count(0)
    expect(title).to_have_value("")
