"""Files and pictures given to a card in the browser, and what its agent makes of them."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Final

from playwright.sync_api import Locator, Page, expect

from acceptance.house import House
from e2e.axe import complaints
from e2e.pictures import shoot_everywhere
from support.picture import SIDE, png

PICTURE: Final = png()
PASTE: Final = """
([selector, name, type, content]) => {
    const bytes = Uint8Array.from(atob(content), (char) => char.charCodeAt(0));
    const data = new DataTransfer();
    data.items.add(new File([bytes], name, { type }));
    const target = document.querySelector(selector);
    target.focus();
    target.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
}
"""
DROP: Final = """
([selector, name, content]) => {
    const data = new DataTransfer();
    data.items.add(new File([content], name, { type: 'text/html' }));
    const target = document.querySelector(selector);
    for (const kind of ['dragover', 'drop']) {
        target.dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
    }
}
"""
DIALOG: Final = "[role=dialog]"


def paste(page: Page, into: str, name: str, content: bytes) -> None:
    page.evaluate(PASTE, [into, name, "image/png", base64.b64encode(content).decode()])


def open_board(house: House, page: Page) -> None:
    house.repository("shop")
    assert house.server.link is not None
    page.goto(house.server.link.replace("/#", "/r/shop#"))


def has_picture(place: Locator, name: str) -> None:
    """The thumbnail shows the bytes that the server gave."""
    picture = place.get_by_role("button", name=f"Open {name}").locator("img")
    expect(picture).to_be_visible()
    assert picture.evaluate("async (it) => (await it.decode(), it.naturalWidth)") == SIDE


def test_a_picture_pasted_into_a_new_card_is_there_when_its_agent_begins(
    house: House, page: Page
) -> None:
    open_board(house, page)
    page.get_by_role("button", name="New card").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Title").fill("The total is cut off")
    dialog.get_by_label("Description").fill("As in ")
    paste(page, f"{DIALOG} textarea", "image.png", PICTURE)
    expect(dialog.get_by_label("Description")).to_have_value("As in `pasted-image.png`")
    page.evaluate(DROP, [DIALOG, "trace.html", "<script>alert(1)</script>"])
    expect(dialog.get_by_text("trace.html")).to_be_visible()
    dialog.get_by_label("Agent", exact=True).select_option("script")
    dialog.get_by_label("Command").fill('cp "$CARD_ATTACHMENTS"/* . && ls')
    shoot_everywhere(page, "attach-new-card", dialog.get_by_text("trace.html"))
    assert complaints(page) == []
    dialog.get_by_role("button", name="Create and start").click()
    expect(dialog).to_have_count(0)

    page.get_by_role("link", name="The total is cut off").click()
    sheet = page.get_by_role("dialog")
    expect(sheet.get_by_role("button", name="Approve").first).to_be_visible()
    expect(sheet.get_by_text("trace.html").first).to_be_visible()
    sheet.get_by_role("tab", name="Details").click()
    has_picture(sheet, "pasted-image.png")


def test_files_come_and_go_on_a_cards_details(house: House, page: Page, tmp_path: Path) -> None:
    open_board(house, page)
    card = house.script("shop", "Look at this", "true")
    page.get_by_role("link", name="Look at this").click()
    sheet = page.get_by_role("dialog")
    expect(sheet.get_by_role("button", name="Attach files…")).to_be_visible()
    paste(page, DIALOG, "shot.png", PICTURE)
    has_picture(sheet, "shot.png")
    trace, large = tmp_path / "trace.log", tmp_path / "core.dump"
    trace.write_text("What happened.\n" * 900)
    large.write_bytes(bytes(12_400_000))
    sheet.get_by_label("Files to attach").set_input_files([trace, large])
    expect(sheet.get_by_role("button", name="Open trace.log")).to_be_visible()
    expect(sheet.get_by_role("alert")).to_have_text(
        "It has 12.4 MB; a file may have 10 MB at most."
    )
    shoot_everywhere(page, "attach-details", sheet.get_by_role("alert"))
    assert complaints(page) == []
    with page.expect_download() as download:
        sheet.get_by_role("button", name="Open trace.log").click()
    assert download.value.suggested_filename == "trace.log"

    sheet.get_by_role("button", name="Remove core.dump").click()
    sheet.get_by_role("button", name="Remove shot.png").click()
    page.get_by_role("button", name="Remove file").click()
    # Behind the question the card is not there for anybody who looks by role: only then it says something.
    expect(sheet.get_by_role("button", name="Open trace.log")).to_be_visible()
    expect(sheet.get_by_role("button", name="Open shot.png")).to_have_count(0)
    found = house.board.get(f"/api/cards/{card}/attachments")
    assert [each["name"] for each in found["items"]] == ["trace.log"]


def test_when_one_is_refused_the_card_is_there_and_it_is_tried_again(
    house: House, page: Page
) -> None:
    open_board(house, page)
    page.route("**/attachments?*", lambda route: route.abort(), times=1)
    page.get_by_role("button", name="New card").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Title").fill("Keep me")
    dialog.get_by_label("Agent", exact=True).select_option("script")
    dialog.get_by_label("Command").fill('ls "$CARD_ATTACHMENTS"')
    paste(page, f"{DIALOG} textarea", "shot.png", PICTURE)
    dialog.get_by_role("button", name="Create and start").click()
    expect(dialog.get_by_text("#1 is created, and not started yet.")).to_be_visible()
    expect(dialog.get_by_text("does not answer")).to_be_visible()
    shoot_everywhere(page, "attach-refused", dialog.get_by_text("#1 is created"))
    assert complaints(page) == []
    dialog.get_by_role("button", name="Try again").click()
    has_picture(dialog, "shot.png")
    dialog.get_by_role("button", name="Save and start").click()
    expect(dialog).to_have_count(0)
    page.get_by_role("link", name="Keep me").click()
    expect(page.get_by_role("dialog").get_by_text("shot.png").first).to_be_visible()
