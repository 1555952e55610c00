"""Addresses of a file, of lines and of an entry of the log: copied, opened, walked back and forth."""

from __future__ import annotations

import re
from typing import Final

from playwright.sync_api import Locator, Page, expect

from acceptance.house import House
from e2e.pictures import ARTIFACTS, shoot

REPO: Final = "shop"
LONG: Final = "".join(f"line {n}\n" for n in range(1, 401))
COMMAND: Final = (
    "seq -f 'said %.0f.' 3000; "
    "sed -i 's/^line 200$/line two hundred/' docs/long.txt; "
    "for n in 1 2 3; do seq 60 > file$n.txt; done"
)


def reviewed(house: House) -> str:
    """A card with a long log and changes of several files; the sign-in link to the board."""
    house.repository(REPO, files={"docs/long.txt": LONG})
    card = house.script(REPO, "Say a lot", COMMAND)
    house.board.command(card, "start")
    house.board.wait_for(card, "in_review")
    assert house.server.link is not None
    return house.server.link


def line(page: Page, path: str, number: int) -> Locator:
    """A line that is the same on both sides, or was added."""
    return page.locator(f"[data-row='{path}:{number}:{number}'], [data-row='{path}::{number}']")


def opened(house: House, page: Page, query: str) -> None:
    page.goto(f"{house.server.url}/r/{REPO}/c/1?{query}")


def test_addresses_of_files_and_lines(house: House, page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(reviewed(house).replace("/#", f"/r/{REPO}/c/1#"))
    tree = page.get_by_role("navigation", name="Changed files")
    tree.get_by_role("button", name=re.compile("file2.txt")).click()
    expect(page).to_have_url(re.compile(r"\?file=file2\.txt$"))
    tree.get_by_role("button", name=re.compile("file3.txt")).click()
    expect(line(page, "file3.txt", 3)).to_be_in_viewport()

    # Lines: a link by the mouse, on to another with Shift.
    line(page, "file3.txt", 3).hover()
    page.get_by_role("button", name="Copy a link to line 3", exact=True).click()
    expect(page).to_have_url(re.compile(r"\?file=file3\.txt&lines=3$"))
    line(page, "file3.txt", 5).hover()
    page.get_by_role("button", name="Copy a link to line 5", exact=True).click(modifiers=["Shift"])
    expect(page).to_have_url(re.compile(r"\?file=file3\.txt&lines=3-5$"))
    expect(page.get_by_text("Copied a link to lines 3\N{EN DASH}5.").last).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == page.url
    expect(page.locator(".marked")).to_have_count(3)
    shoot(page, ARTIFACTS / "deep-link-lines.png")

    # Back and forth.
    page.go_back()
    expect(page.locator(".marked")).to_have_count(1)
    page.go_back()
    page.go_back()
    expect(page).to_have_url(re.compile(r"\?file=file2\.txt$"))
    expect(line(page, "file2.txt", 1)).to_be_in_viewport()
    page.go_forward()
    expect(page).to_have_url(re.compile(r"\?file=file3\.txt$"))

    # Opened: also a line that is not part of the change, and nonsense.
    opened(house, page, "file=docs/long.txt&lines=120-122")
    expect(line(page, "docs/long.txt", 122)).to_be_in_viewport()
    expect(page.locator(".marked")).to_have_count(3)
    opened(house, page, "file=docs/long.txt&side=old&lines=200")
    expect(page.locator("[data-row='docs/long.txt:200:']")).to_be_in_viewport()
    opened(house, page, "file=gone.txt&lines=x")
    expect(line(page, "docs/long.txt", 199)).to_be_visible()

    # By the keyboard alone.
    changes = page.get_by_role("region", name=re.compile("^Changes"))
    changes.focus()
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("y")
    expect(page).to_have_url(re.compile(r"file=docs%2Flong\.txt&lines=\d+$"))


def test_addresses_of_entries_of_the_log(house: House, page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(reviewed(house).replace("/#", f"/r/{REPO}/c/1#"))
    log = page.get_by_role("log", name="Activity")
    expect(log.get_by_text("said 3000.")).to_be_in_viewport()
    job = house.board.get(
        "/api/cards/" + house.board.get(f"/api/repos/{REPO}/cards")["items"][0]["id"]
    )["job_id"]
    entries = house.board.log(job)
    wanted = next(entry["seq"] for entry in entries if "said 700." in entry["text"])
    row = log.locator("[data-seq]").last
    row.hover()
    row.get_by_role("button", name=re.compile("^Copy a link to entry")).click()
    expect(page).to_have_url(re.compile(rf"\?entry={job}\.\d+$"))
    assert page.evaluate("navigator.clipboard.readText()") == page.url

    opened(house, page, f"entry={job}.{wanted}")
    expect(log.get_by_text("said 700.")).to_be_in_viewport()
    shoot(page, ARTIFACTS / "deep-link-entry.png")
    page.set_viewport_size({"width": 375, "height": 812})
    opened(house, page, "file=file2.txt&lines=7")
    expect(line(page, "file2.txt", 7)).to_be_in_viewport()
    opened(house, page, f"entry={job}.{wanted}")
    expect(log.get_by_text("said 700.")).to_be_in_viewport()
