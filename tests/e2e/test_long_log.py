"""A run with a log longer than a tab should hold: read from both ends, and the tab stays small."""

from __future__ import annotations

import re
from typing import Final

from playwright.sync_api import CDPSession, Locator, Page, expect

from acceptance.house import House
from support.waiting import until

LINES: Final = 30_000
WORD: Final = "wolpertinger"
WIDTH: Final = 800
"""Characters in a line, so that what is held weighs more than what the page itself needs."""
GROWTH: Final = 16 * 2**20
"""Bytes. What is held is at most 10,000 lines of this width, half of the bound; all would be 24 MB."""
ROWS: Final = 200
COMMAND: Final = f"""
echo the {WORD} stands at the beginning
awk 'BEGIN {{ pad = sprintf("%{WIDTH}s", ""); gsub(/ /, "x", pad);
    for (n = 1; n <= {LINES}; n++) print "line " n "." pad }}'
until [ -e go ]; do sleep 0.1; done
echo after the person came back
until [ -e end ]; do sleep 0.1; done
"""


def heap(cdp: CDPSession) -> float:
    """Bytes of JavaScript that something holds."""
    cdp.send("HeapProfiler.collectGarbage")
    metrics = cdp.send("Performance.getMetrics")["metrics"]
    return float(next(each["value"] for each in metrics if each["name"] == "JSHeapUsedSize"))


def rows(log: Locator) -> int:
    return int(log.evaluate("log => log.firstElementChild.childElementCount"))


def first_line(log: Locator) -> int:
    """The number of the first line that is drawn."""
    found = re.search(r"line (\d+)\.", log.inner_text())
    return int(found[1]) if found else 0


def scrolled_up(page: Page, log: Locator) -> int:
    """Turn the wheel; the first line that is drawn then, or the last there is when none is."""
    page.mouse.wheel(0, -100_000)
    page.evaluate("() => new Promise((drawn) => requestAnimationFrame(drawn))")
    assert rows(log) < ROWS
    return first_line(log) or LINES


def test_a_long_log_is_followed_searched_and_read_without_holding_it(
    house: House, page: Page
) -> None:
    house.repository("shop")
    board = house.board
    card = house.script("shop", "Talk a lot", f"touch here; {COMMAND}")
    assert house.server.link is not None
    number = board.card(card)["number"]
    page.goto(house.server.link.replace("/#", f"/r/shop/c/{number}#"))
    cdp = page.context.new_cdp_session(page)
    cdp.send("Performance.enable")
    log = page.get_by_role("log", name="Activity")
    expect(page.get_by_role("dialog").get_by_role("button", name="Start")).to_be_visible()
    before = heap(cdp)

    # Followed from its beginning to its end.
    board.command(card, "start")
    page.get_by_role("tab", name="Activity").click()
    last = log.get_by_text(f"line {LINES}.")
    expect(last).to_be_in_viewport(timeout=120_000)
    assert heap(cdp) - before < GROWTH
    assert rows(log) < ROWS

    # Opened at the end, and followed.
    page.reload()
    expect(last).to_be_in_viewport()
    expect(page.get_by_role("button", name="Jump to latest")).to_have_count(0)

    # Read upwards beyond what is held.
    log.hover()
    until(lambda: scrolled_up(page, log) < LINES - 14_000, "earlier lines are read", seconds=90)
    assert heap(cdp) - before < GROWTH

    # The end as it is by then.
    told = board.job(card)["log_seq"]
    house.tree_of("here").joinpath("go").touch()
    until(lambda: board.job(card)["log_seq"] > told, "the log goes on")
    page.get_by_role("button", name="Jump to latest").click()
    expect(log.get_by_text("after the person came back")).to_be_in_viewport()
    expect(page.get_by_role("button", name="Jump to latest")).to_have_count(0)

    # A word that only the beginning has.
    search = page.get_by_role("searchbox", name="Search in the log")
    search.fill(WORD)
    expect(page.get_by_role("status").get_by_text("No match here")).to_be_visible()
    page.get_by_role("button", name="Search all of it").click()
    expect(page.get_by_text("1 of 1", exact=True)).to_be_visible()
    expect(log.get_by_text(f"the {WORD} stands at the beginning")).to_be_in_viewport()
    assert heap(cdp) - before < GROWTH
    assert rows(log) < ROWS

    # And the end again, which is followed to the job's own end.
    search.fill("")
    page.get_by_role("button", name="Jump to latest").click()
    expect(log.get_by_text("after the person came back")).to_be_in_viewport()
    house.tree_of("here").joinpath("end").touch()
    board.wait_for(card, "in_review")
    expect(log.get_by_text("Finished", exact=True)).to_be_in_viewport()


def test_the_very_top_is_never_empty(house: House, page: Page) -> None:
    house.repository("shop")
    card = house.script("shop", "Count", "seq -f 'line %.0f.' 5000")
    house.board.command(card, "start")
    number = house.board.wait_for(card, "in_review")["number"]
    assert house.server.link is not None
    page.goto(house.server.link.replace("/#", f"/r/shop/c/{number}#"))
    log = page.get_by_role("log", name="Activity")
    expect(log.get_by_text("line 5000.")).to_be_in_viewport()
    log.hover()
    until(lambda: scrolled_up(page, log) == 1, "the first line is drawn")
