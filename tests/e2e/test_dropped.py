"""Parts of the page that are dropped on their way, as a browser does when its machine's network changes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Page, Route, expect

from support.server import ServerProcess

# Longer than the page waits before it loads itself again.
LATE_S: Final = 1.0


@pytest.fixture
def server(chromium: str, tmp_path: Path) -> Iterator[ServerProcess]:
    """A server without runners, with a repository."""
    with ServerProcess(tmp_path / "data", {}, "--pool", "none") as running:
        running.client.post("/api/repos", json={"name": "shop"}).raise_for_status()
        yield running


def drop_first(page: Page, pattern: str, times: int) -> list[str]:
    """Drop the first requests for something; what was dropped."""
    dropped: list[str] = []

    def drop(route: Route) -> None:
        if len(dropped) == times:
            route.continue_()
        else:
            dropped.append(route.request.url)
            route.abort("failed")

    page.route(pattern, drop)
    return dropped


@pytest.mark.parametrize(
    ("pattern", "times"),
    [("**/assets/0.*.css", 1), ("**/entry/app.*.js", 2), ("**/api/repos?*", 1)],
    ids=["style", "program", "data"],
)
def test_a_page_of_which_a_part_was_dropped_is_whole_in_the_end(
    server: ServerProcess, page: Page, pattern: str, times: int
) -> None:
    """The program is fetched ahead, and when that was dropped again."""
    dropped = drop_first(page, pattern, times)
    assert server.link is not None
    page.goto(server.link.replace("/#", "/r/shop#"))
    filtered = page.get_by_placeholder("Filter")
    expect(filtered).to_be_visible()
    expect(page.locator("body")).to_have_css("margin", "0px")
    assert len(dropped) == times


def test_a_link_is_not_used_up_by_a_page_that_loads_itself_again(
    server: ServerProcess, page: Page
) -> None:
    """Its code is good once: a page that went away while it was exchanged would stand before a locked door."""
    drop_first(page, "**/assets/0.*.css", 1)

    def answer_late(route: Route) -> None:
        answer = route.fetch()
        time.sleep(LATE_S)
        route.fulfill(response=answer)

    page.route("**/api/auth/exchange", answer_late)
    assert server.link is not None
    page.goto(server.link.replace("/#", "/r/shop#"))
    expect(page.get_by_placeholder("Filter")).to_be_visible()
    expect(page.locator("body")).to_have_css("margin", "0px")


def test_what_is_typed_is_not_lost_over_it(server: ServerProcess, page: Page) -> None:
    assert server.link is not None
    page.goto(server.link.replace("/#", "/r/shop#"))
    page.get_by_role("banner").get_by_role("button", name="New card").click()
    page.get_by_label("Title").fill("Not sent yet")
    page.evaluate("dispatchEvent(new Event('vite:preloadError', {cancelable: true}))")
    assert page.evaluate("sessionStorage.getItem('lazyaf.reloads')") is None


def test_who_waits_for_a_dropped_part_is_told_that_it_failed(
    server: ServerProcess, page: Page
) -> None:
    """Were the event prevented, the import would come to nothing instead, and its caller would stumble."""
    assert server.link is not None
    page.goto(server.link.replace("/#", "/r/shop#"))
    expect(page.get_by_placeholder("Filter")).to_be_visible()
    with page.expect_navigation():
        assert page.evaluate("dispatchEvent(new Event('vite:preloadError', {cancelable: true}))")
    expect(page.get_by_placeholder("Filter")).to_be_visible()
