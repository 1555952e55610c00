"""The interface in a real browser beside its budgets: what it loads, how soon it paints, what stays smooth when
a board, a log or a diff is long, how soon an event is a pixel, and what an hour of output leaves in the tab.

Needs Chromium; not part of ``make bench`` without names.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser

from acceptance.house import House, environment
from benchmarks.browser import Tab, chromium
from benchmarks.table import Figure, milliseconds, percentile
from fakes.model_server import ModelServer
from support.server import ServerProcess

TIMES: Final = 5
"""Fresh browsers for what is measured once in each."""
CARDS: Final = 1_000
ENTRIES: Final = 100_000
LINES: Final = 10_000
FILES: Final = 4
"""That these lines are in. A file of more than 3,000 is loaded by a click."""
CHANGED: Final = (50, 2_500)
"""Cards in review, and the changed lines of each."""
HOUR: Final = 360_000
"""Lines that an agent prints in an hour at a hundred a second."""
EVENTS: Final = 50
WAIT_S: Final = 300.0

DRAWN: Final = "document.querySelector('[data-card] h3 a')"
LOG: Final = "[role=log]"
TAIL: Final = f"document.querySelector('{LOG}')?.innerText.includes('line %d.')"
CODE: Final = "document.querySelector('[role=tabpanel] .code')"


async def measure() -> list[Figure]:
    """One server and its runners; a fresh browser context for each look."""
    return await asyncio.to_thread(_measure)


def _measure() -> list[Figure]:
    with _house() as house, chromium() as browser:
        return [
            *_board(house, browser),
            *_log(house, browser),
            *_diff(house, browser),
            *_many_changes(house, browser),
            _event(house, browser),
            _hour(house, browser),
        ]


@contextmanager
def _house() -> Iterator[House]:
    with tempfile.TemporaryDirectory(prefix="lazyaf-bench-") as folder, ModelServer() as model:
        root = Path(folder)
        house = House(ServerProcess(root / "data", environment(model)), model, root).start()
        try:
            yield house
        finally:
            house.end()


def _tab(house: House, browser: Browser) -> Tab:
    return Tab(browser, house.server.url, house.server.token)


def _board(house: House, browser: Browser) -> list[Figure]:
    """A small board for what is loaded at all, then one of a thousand cards."""
    house.repository("small")
    house.board.add("small", "The only card")
    with _tab(house, browser) as tab:
        tab.open("/r/small")
        tab.until(DRAWN)
        tab.settled()
        scripts, errors = tab.script_bytes(), len(tab.errors)
    house.repository("large")
    for n in range(CARDS):
        words = {"labels": [f"area-{n % 7}"], "description": "Words. " * 40}
        house.board.add("large", f"Card {n}: make it do what it should", **words)
    paints, ready, typed, worst = [], [], [], []
    for _ in range(TIMES):
        with _tab(house, browser) as tab:
            tab.open("/r/large")
            drawn = tab.until(DRAWN)
            ready.append(max(drawn, tab.settled()))
            paints.append(tab.first_paint())
            worst.append(tab.longest_task())
            typed.append(_filter(tab))
            errors += len(tab.errors)
    return [
        Figure("scripts that a board loads", f"{scripts / 1000:.0f} KB gz", "≤ 110 KB"),
        Figure("errors in the console", str(errors), "0"),
        Figure("first contentful paint, 1,000 cards", _median(paints), "≤ 500 ms"),
        Figure("… drawn and no long task after", _median(ready), "≤ 1 s"),
        Figure("… the longest task", _median(worst)),
        Figure("… a filter typed → the cards that pass", _median(typed), "≤ 100 ms"),
    ]


def _filter(tab: Tab) -> float:
    return float(
        tab.ask(
            """async () => {
                const field = document.getElementById("filter");
                field.focus();
                const begun = performance.now();
                field.value = "777";
                field.dispatchEvent(new InputEvent("input", { bubbles: true }));
                return await probe.frame(() => document.querySelectorAll("[data-card]").length < 10) - begun;
            }"""
        )
    )


def _done(house: House, repo: str, title: str, command: str) -> str:
    """A card whose job has done this; its address."""
    card = house.script(repo, title, command)
    house.board.command(card, "start")
    number = house.board.wait_for(card, "in_review", seconds=WAIT_S)["number"]
    return f"/r/{repo}/c/{number}"


def _openings(
    house: House, browser: Browser, address: str, condition: str
) -> tuple[Tab, list[float]]:
    """Open a card from its board, first with nothing of it loaded and then again and again."""
    tab = _tab(house, browser)
    tab.open(address.rpartition("/c/")[0])
    link = f"a[href='{address}']"
    tab.until(f'document.querySelector("{link}")')
    tab.settled()
    samples = []
    for _ in range(TIMES + 1):
        samples.append(tab.click_until(link, condition))
        tab.page.keyboard.press("Escape")
        tab.until(f"!({condition})")
    return tab, samples


def _log(house: House, browser: Browser) -> list[Figure]:
    house.repository("log")
    address = _done(house, "log", "Talk a lot", f"seq -f 'line %.0f.' {ENTRIES}")
    tab, (first, *again) = _openings(house, browser, address, TAIL % ENTRIES)
    with tab:
        tab.open(address)
        tab.until(TAIL % ENTRIES)
        rows = tab.rows(f"{LOG} > *")
    return [
        Figure(f"a log of {ENTRIES:,} entries opens, first time", f"{first:.0f} ms", "≤ 500 ms"),
        Figure("… again", _median(again), "≤ 500 ms"),
        Figure("… elements in the page", str(rows), "< 200 rows"),
    ]


def _diff(house: House, browser: Browser) -> list[Figure]:
    """In four files, which open at once, and in one, which a click loads."""
    house.repository("diff")
    write = "seq -f 'value = compute(%.0f)  # one of many' {} > {}.py"
    files = "; ".join(write.format(LINES // FILES, f"part-{n}") for n in range(FILES))
    address = _done(house, "diff", "Write long files", files)
    tab, (first, *again) = _openings(house, browser, address, CODE)
    with tab:
        tab.open(address)
        tab.until(CODE)
        nodes = tab.rows("[role=tabpanel]")
        scrolled = _scroll(tab)
    alone = []
    address = _done(house, "diff", "Write one long file", write.format(LINES, "whole"))
    for _ in range(TIMES):
        with _tab(house, browser) as tab:
            tab.open(address)
            tab.page.get_by_role("button", name="Load diff").evaluate("(it) => (it.id = 'load')")
            tab.settled()
            alone.append(tab.click_until("#load", CODE))
    return [
        Figure(f"a diff of {LINES:,} lines opens, first time", f"{first:.0f} ms", "≤ 500 ms"),
        Figure("… again", _median(again), "≤ 500 ms"),
        Figure("… all in one file, which a click loads", _median(alone), "≤ 500 ms"),
        Figure("… elements in the page", str(nodes)),
        Figure("… longest frame while it is scrolled through", f"{scrolled:.0f} ms", "≤ 50 ms"),
    ]


def _scroll(tab: Tab) -> float:
    """From the top to the bottom in sixty frames."""
    return float(
        tab.ask(
            """async () => {
                const within = document.querySelector("[role=tabpanel] .code");
                let box = within;
                while (box && box.scrollHeight <= box.clientHeight + 1) box = box.parentElement;
                let worst = 0, before = await new Promise(requestAnimationFrame);
                for (let step = 1; step <= 60; step++) {
                    box.scrollTo(0, (box.scrollHeight * step) / 60);
                    const now = await new Promise(requestAnimationFrame);
                    worst = Math.max(worst, now - before);
                    before = now;
                }
                return worst;
            }"""
        )
    )


def _many_changes(house: House, browser: Browser) -> list[Figure]:
    """What blocked another board's tab for two minutes."""
    cards, lines = CHANGED
    house.repository("changes")
    made = [
        house.script("changes", f"Change {n}", f"seq -f 'line %.0f' {lines} > file-{n}.txt")
        for n in range(cards)
    ]
    for card in made:
        house.board.command(card, "start")
    for card in made:
        house.board.wait_for(card, "in_review", seconds=WAIT_S)
    ready, worst, opened = [], [], []
    for _ in range(TIMES):
        with _tab(house, browser) as tab:
            tab.open("/r/changes")
            ready.append(max(tab.until(DRAWN), tab.settled()))
            worst.append(tab.longest_task())
            opened.append(tab.click_until("[data-card] h3 a", CODE))
    name = f"{cards} cards in review with {lines:,} changed lines each"
    return [
        Figure(f"{name}: drawn and no long task after", _median(ready), "≤ 1 s"),
        Figure("… the longest task", _median(worst)),
        Figure("… one of them opens", _median(opened), "≤ 500 ms"),
    ]


def _event(house: House, browser: Browser) -> Figure:
    """From the request that changes a card to the frame that shows it, by the same machine's clock."""
    with _tab(house, browser) as tab:
        tab.open("/r/small")
        tab.until(DRAWN)
        tab.settled()
        card = str(tab.ask("() => document.querySelector('[data-card]').dataset.card"))
        samples = []
        for n in range(EVENTS):
            title = f"Renamed {n}."
            tab.ask(
                f"""(title) => {{ window.shown = probe.frame(
                    () => {DRAWN}.textContent.includes(title)
                ).then((at) => performance.timeOrigin + at); }}""",
                title,
            )
            begun = time.time()
            house.board.patch(f"/api/cards/{card}", {"title": title})
            samples.append(float(tab.ask("() => window.shown")) / 1e3 - begun)
    return Figure("event → pixel, p50 / p99", milliseconds(samples), "≤ 100 ms")


def _hour(house: House, browser: Browser) -> Figure:
    """All that an agent says in an hour, as fast as it can, to a tab that follows."""
    house.repository("hour")
    command = f"until [ -e go ]; do sleep 0.1; done; seq -f 'line %.0f.' {HOUR}"
    card = house.script("hour", "Talk for an hour", f"touch here; {command}")
    house.board.command(card, "start")
    tree = house.tree_of("here")
    with _tab(house, browser) as tab:
        tab.open(f"/r/hour/c/{house.board.card(card)['number']}")
        tab.until(f"document.querySelector('{LOG}')")
        tab.settled()
        before = tab.heap()
        (tree / "go").touch()
        tab.until(TAIL % HOUR)
        grown = tab.heap() - before
    return Figure(f"heap after {HOUR:,} lines that streamed by", f"{grown / 1e6:+.0f} MB", "flat")


def _median(samples: list[float]) -> str:
    return f"{percentile(samples, 0.5):.0f} ms"
