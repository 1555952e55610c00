"""A card's pull request in the browser: the forge's token is kept and tried, one is opened with what it says and
pushes shown first, it is merged on the forge, and the card is closed. The forge is emulated over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Page, expect

from acceptance.house import House
from e2e.axe import complaints
from e2e.pictures import shoot_everywhere
from fakes.forge_server import ForgeServer
from support.history import git, make_repository
from support.waiting import until

REPO: Final = "shop"
NAME: Final = "ada/shop"
TITLE: Final = "Say when we are open"
TOKEN: Final = "s3cret-of-the-forge"


@pytest.fixture
def forge(tmp_path: Path) -> Iterator[ForgeServer]:
    """A Forgejo whose ada/shop has a main branch."""
    with ForgeServer("gitea", tmp_path / "forge") as running:
        running.tokens[TOKEN] = "write"
        running.repo(NAME)
        work = make_repository(tmp_path / "work", commits=2, files={"readme.md": "Shop\n"})
        git(work, "push", "-q", str(running.git_dir(NAME)), "main")
        yield running


def test_a_pull_request_from_the_token_to_the_closed_card(
    house: House, page: Page, forge: ForgeServer
) -> None:
    board = house.board
    body = {"url": f"{forge.origin}/{NAME}.git", "name": REPO, "password": TOKEN}
    assert house.server.client.post("/api/repos/import", json=body).status_code == 201
    until(lambda: board.get(f"/api/repos/{REPO}")["import_state"] == "ready", "it is fetched")
    card = house.script(REPO, TITLE, "echo 'From nine to five' > hours.txt")
    board.patch(f"/api/cards/{card}", {"description": "People ask."})
    board.command(card, "start")
    board.wait_for(card, "in_review")
    branch = board.card(card)["branch_name"]

    assert house.server.link is not None
    page.goto(house.server.link.replace("/#", f"/r/{REPO}#"))
    page.get_by_role("link", name=TITLE).click()
    page.get_by_role("button", name="Pull request…").click()
    dialog = page.get_by_role("dialog", name="Open a pull request")
    expect(dialog.get_by_role("alert")).to_contain_text("Nobody can tell by its name")
    shoot_everywhere(page, "pull-unknown", dialog)
    assert complaints(page) == []
    dialog.get_by_role("link", name="s settings").click()

    _tell_the_forge(page, forge)

    page.goto(f"{house.server.url}/r/{REPO}/c/{board.card(card)['number']}")
    page.get_by_role("button", name="Pull request…").click()
    expect(dialog.get_by_label("Title")).to_have_value(TITLE)
    expect(dialog.get_by_label("Description")).to_have_value("People ask.\n\nLazyAF card #1\n")
    expect(dialog).to_contain_text(f"The remote has no branch {branch} yet")
    shoot_everywhere(page, "pull-open", dialog)
    assert complaints(page) == []
    dialog.get_by_label("Title").fill("Put the opening hours on the page")
    assert (forge.tip(NAME, branch), forge.pulls) == (None, [])
    dialog.get_by_role("button", name="Push and open it").click()
    opened = page.get_by_role("dialog", name="Pull request opened")
    url = board.card(card)["pr_url"]
    expect(opened.get_by_role("link", name=url)).to_be_visible()
    [there] = forge.pulls
    assert (there.title, there.body) == (
        "Put the opening hours on the page",
        "People ask.\n\nLazyAF card #1\n",
    )
    assert forge.tip(NAME, branch) == board.card(card)["head_sha"]
    opened.get_by_role("button", name="Done", exact=True).click()

    told = page.get_by_label("Pull request", exact=True)
    link = told.get_by_role("link", name="Pull request #1: open")
    expect(link).to_have_attribute("href", url)
    shoot_everywhere(page, "pull-sheet", told)
    there.state = "closed"
    told.get_by_role("button", name="Refresh").click()
    expect(told).to_contain_text("It was not merged")
    expect(told.get_by_role("button", name="Open another…")).to_be_visible()
    there.state = "merged"
    told.get_by_role("button", name="Refresh").click()
    expect(told).to_contain_text("Nothing of it was merged here")
    shoot_everywhere(page, "pull-merged", told)
    assert complaints(page) == []
    page.get_by_role("button", name="Close", exact=True).click()
    tile = page.locator(f"[data-card='{card}']")
    expect(tile.get_by_role("link", name="Pull request #1: merged there")).to_be_visible()
    shoot_everywhere(page, "pull-board", tile)
    assert complaints(page) == []
    page.get_by_role("link", name=TITLE).click()
    told.get_by_role("button", name="Close card").click()
    expect(page.get_by_text("Closed #1.", exact=True)).to_be_visible()
    done = board.card(card)
    assert (done["status"], done["merged_sha"]) == ("done", None)
    page.get_by_role("button", name="To the branches").click()
    fetched = page.get_by_label("Fetching from the remote")
    fetched.get_by_role("button", name="Fetch").click()
    expect(fetched).to_contain_text("Fetched just now")


def _tell_the_forge(page: Page, forge: ForgeServer) -> None:
    """In the repository's settings: what it is, where its API is, and a token, after a wrong one."""
    section = page.get_by_role("region", name="Forge")
    section.get_by_label("What it is").select_option("gitea")
    section.get_by_label("API URL").fill(forge.api_url)
    field = section.get_by_label("Token of the forge")
    expect(section.get_by_role("button", name="Keep")).to_have_attribute("aria-disabled", "true")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The settings are saved.", exact=True)).to_be_visible()
    expect(section).to_contain_text(f"{NAME} on Gitea or Forgejo")
    expect(section).to_contain_text("not set")
    field.fill("another-token")
    field.press("Enter")
    expect(section.get_by_role("alert")).to_contain_text("does not accept the token")
    expect(section.get_by_text("set", exact=True)).to_be_visible()
    section.get_by_role("button", name="Forget it").click()
    expect(section.get_by_text("not set")).to_be_visible()
    field.fill(TOKEN)
    section.get_by_role("button", name="Keep").click()
    expect(section.get_by_role("status")).to_contain_text("may write there")
    expect(field).to_have_value("")
    section.scroll_into_view_if_needed()
    shoot_everywhere(page, "pull-settings", section)
    assert complaints(page) == []
