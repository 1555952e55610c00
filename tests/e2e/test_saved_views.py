"""Saved views: a filter gets a name in one browser and is in the menu of another."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from acceptance.house import House
from e2e.axe import complaints
from e2e.palette import run_from_palette
from e2e.pictures import shoot_everywhere


def test_a_filter_is_saved_shown_renamed_and_deleted(house: House, page: Page) -> None:
    house.repository("shop")
    for title, label in (("Paint", "ui"), ("Sort orders", "api")):
        house.script("shop", title, "true", labels=[label])
    assert house.server.link is not None
    page.goto(house.server.link.replace("/#", "/r/shop#"))
    tiles = page.locator("[data-card] h3")
    expect(tiles).to_have_count(2)
    other = page.context.new_page()
    other.goto(page.url)
    expect(other.locator("[data-card]")).to_have_count(2)

    page.get_by_role("textbox", name="Filter").fill("label:ui")
    menu = page.get_by_role("button", name="Saved views")
    menu.click()
    page.get_by_role("menuitem", name="Save this filter").click()
    dialog = page.get_by_role("dialog", name="Saved views")
    dialog.get_by_label("Name of the view", exact=True).fill("Looks")
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()

    # In the other browser's menu at once; the address is what says it.
    other.get_by_role("button", name="Saved views").click()
    other.get_by_role("menuitem", name="Looks").click()
    expect(other.locator("[data-card] h3")).to_have_text(["Paint"])
    other.wait_for_url("**/r/shop?q=label%3Aui")
    other.reload()
    expect(other.locator("[data-card] h3")).to_have_text(["Paint"])

    # And in the palette.
    page.get_by_role("button", name="Clear the filter").click()
    expect(tiles).to_have_count(2)
    page.keyboard.press("Escape")
    run_from_palette(page, "looks")
    expect(tiles).to_have_text(["Paint"])

    menu.click()
    expect(page.get_by_role("menuitem", name="Looks")).to_be_visible()
    page.get_by_role("menuitem", name="Rename or delete").click()
    name = dialog.get_by_label("Name of Looks")
    shoot_everywhere(page, "saved-views", name)
    assert complaints(page) == []
    name.fill("Design")
    name.press("Tab")
    expect(dialog.get_by_label("Name of Design")).to_be_visible()
    dialog.get_by_role("button", name="Delete Design").click()
    expect(dialog.get_by_label("Name of Design")).to_have_count(0)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Undo").click()
    other.get_by_role("button", name="Saved views").click()
    expect(other.get_by_role("menuitem", name="Design")).to_be_visible()
