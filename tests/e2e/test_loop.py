"""The whole loop as a person sees it: sign in, bring a repository, write a card, watch, read, approve."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from acceptance.house import FILES, House
from support.history import bare_copy, git, make_repository, parents, tip

TITLE = "Greet everybody by name"
COMMAND = (
    "echo I am looking around; touch looking; until [ -e go ]; do sleep 0.05; done; rm go looking; "
    "echo I go on now; printf 'Hello, everybody\\n' > greeting.txt"
)


def test_a_card_goes_through_the_house_in_the_browser(house: House, page: Page) -> None:
    sign_in(house, page)
    ingest_while_it_watches(house, page)
    write_and_start(page)
    tile = column(page, "In Progress").get_by_role("link", name=TITLE)
    expect(tile).to_be_visible()
    tile.click()
    watch_the_work(house, page)
    before = tip(house.internal("greeter"), "main")
    read_and_approve(page)
    expect(column(page, "Done").get_by_role("link", name=TITLE)).to_be_visible()
    expect(column(page, "In Review").get_by_role("link")).to_have_count(0)

    internal = house.internal("greeter")
    assert parents(internal, tip(internal, "main"))[0] == before
    assert git(internal, "show", "main:greeting.txt") == "Hello, everybody"


def sign_in(house: House, page: Page) -> None:
    """The link that the server printed is good once, and leaves nothing in the address."""
    assert house.server.link is not None
    page.goto(house.server.link)
    expect(
        page.get_by_role("heading", name="Write cards, let agents work, review.")
    ).to_be_visible()
    expect(page.get_by_text("lazyaf ingest .", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Try the demo")).to_be_visible()
    assert "code" not in page.url


def ingest_while_it_watches(house: House, page: Page) -> None:
    """`lazyaf ingest` in a terminal; the open page goes to the board by itself."""
    checkout = make_repository(house.root / "greeter", commits=20, files=FILES)
    bare_copy(checkout, house.root / "greeter-origin.git")
    house.ingest("greeter", checkout)
    expect(page).to_have_url(re.compile(r"/r/greeter$"))
    for name in ("To Do", "In Progress", "In Review", "Done", "Failed"):
        expect(page.get_by_role("heading", name=name)).to_be_visible()


def write_and_start(page: Page) -> None:
    """A new card for the scripted agent, started from its dialog."""
    page.get_by_role("banner").get_by_role("button", name="New card").click()
    dialog = page.get_by_role("dialog", name="New card")
    dialog.get_by_label("Title").fill(TITLE)
    dialog.get_by_label("Description").fill("A file that greets **everybody**.")
    dialog.get_by_label("Agent").select_option("script")
    dialog.get_by_label("Command").fill(COMMAND)
    dialog.get_by_role("button", name="Create and start").click()
    expect(dialog).to_be_hidden()


def watch_the_work(house: House, page: Page) -> None:
    """Output comes while the agent works, on the page that was opened before."""
    log = page.get_by_role("log", name="Activity")
    expect(log).to_contain_text("I am looking around")
    expect(log).not_to_contain_text("I go on now")
    (house.tree_of("looking") / "go").touch()
    expect(log).to_contain_text("I go on now")


def read_and_approve(page: Page) -> None:
    """The diff is on the right; approving merges what was seen."""
    changes = page.get_by_role("tabpanel", name="Changes")
    expect(changes).to_contain_text("greeting.txt")
    expect(changes).to_contain_text("Hello, everybody")
    approve = page.get_by_role("button", name="Approve and merge")
    expect(approve).to_be_enabled()
    approve.click()
    expect(page.get_by_role("dialog")).to_be_hidden()


def column(page: Page, title: str) -> Locator:
    """A column of the board."""
    return page.get_by_role("region", name=title)


def test_the_demo_needs_one_click(house: House, page: Page) -> None:
    assert house.server.link is not None
    page.goto(house.server.link)
    page.get_by_role("button", name="Try the demo").click()
    expect(page).to_have_url(re.compile(r"/r/[^/]+$"))
    expect(column(page, "In Review").get_by_role("link")).to_have_count(1)


def test_without_the_link_the_door_is_shut(house: House, page: Page) -> None:
    page.goto(house.server.url)

    expect(page.get_by_text("lazyaf open")).to_be_visible()
    expect(page.get_by_role("button", name="Try the demo")).to_have_count(0)
