"""From a card to the real remote: a look at what would be pushed, a remote that moved on, and then it is
there. The remote is a bare repository behind git's own HTTP server, which wants a token."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Page, expect

from acceptance.house import House
from e2e.axe import complaints
from e2e.pictures import shoot_everywhere
from support.history import bare_copy, commit_files, git, make_repository, parents, tip
from support.http_remote import TOKEN, serving_http
from support.sshd import make_ssh_host
from support.waiting import until

REPO: Final = "shop"
TITLE: Final = "Say when we are open"


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """Somebody's clone of the remote."""
    made = make_repository(tmp_path / "work", commits=3, files={"readme.md": "Shop\n"})
    bare_copy(made, tmp_path / "remotes" / "shop.git")
    return made


@pytest.fixture
def remote(work: Path, tmp_path: Path) -> Iterator[str]:
    root = tmp_path / "remotes"
    git(root / "shop.git", "config", "http.receivepack", "true")
    with serving_http(root) as url:
        yield f"{url}/shop.git"


def test_a_card_lands_and_a_remote_that_moved_is_merged_in(
    house: House, page: Page, work: Path, remote: str, tmp_path: Path
) -> None:
    bare = tmp_path / "remotes" / "shop.git"
    board = house.board
    body = {"url": remote, "name": REPO, "password": TOKEN}
    assert house.server.client.post("/api/repos/import", json=body).status_code == 201
    until(lambda: board.get(f"/api/repos/{REPO}")["import_state"] == "ready", "it is fetched")
    card = house.script(REPO, TITLE, "echo 'From nine to five' > hours.txt")
    board.command(card, "start")
    board.wait_for(card, "in_review")

    assert house.server.link is not None
    page.goto(house.server.link.replace("/#", f"/r/{REPO}#"))
    page.get_by_role("link", name=TITLE).click()
    branch = board.card(card)["branch_name"]
    page.get_by_role("button", name="Land…").click()
    dialog = page.get_by_role("dialog", name="Land on the remote")
    expect(dialog).to_contain_text(f"The remote has no branch {branch} yet")
    shoot_everywhere(page, "land-new", dialog)
    assert complaints(page) == []
    dialog.get_by_role("button", name="Push the branch").or_(
        dialog.get_by_role("button", name=f"Push {branch}")
    ).click()
    landed = page.get_by_role("dialog", name="Landed")
    expect(landed).to_contain_text(f"as {branch} to")
    landed.get_by_role("button", name="Done", exact=True).click()
    assert tip(bare, branch) == board.card(card)["head_sha"]

    board.approve(card)
    expect(page.get_by_role("button", name="Reopen")).to_be_visible()
    theirs = commit_files(work, {"imprint.txt": "Ada\n"}, "Add an imprint")
    git(work, "push", "-q", "origin", "main")
    page.get_by_role("button", name="Land…").click()
    expect(dialog).to_contain_text("The remote has moved on: 1 commit there is not here")
    expect(dialog).to_contain_text("Add an imprint")
    expect(dialog.get_by_role("button", name="Push main")).to_be_hidden()
    shoot_everywhere(page, "land-moved", dialog)
    assert complaints(page) == []
    before = tip(bare, "main")
    dialog.get_by_role("button", name="Merge them in here").click()
    expect(dialog).to_contain_text("Merged here; nothing was pushed yet.")
    assert before == theirs == tip(bare, "main")
    shoot_everywhere(page, "land-merged", dialog)
    dialog.get_by_role("button", name="Push main").click()
    expect(landed).to_contain_text("as main to")
    now = tip(bare, "main")
    assert theirs in parents(bare, now)
    assert "hours.txt" in git(bare, "ls-tree", "--name-only", now)

    page.goto(f"{house.server.url}/r/{REPO}/branches")
    main = page.get_by_role("listitem").filter(has_text="default")
    expect(main).not_to_contain_text("to land")
    other = commit_files(work, {"more.txt": "1\n"}, "More")
    git(work, "pull", "-q", "--no-rebase", "origin", "main")
    git(work, "push", "-q", "origin", "main")
    main.get_by_role("button", name="Land main").click()
    expect(dialog).to_contain_text("There is nothing to push: the remote has all of it")
    dialog.get_by_role("button", name="Stop here").click()
    page.reload()
    expect(main).to_contain_text("2 new at the remote")
    shoot_everywhere(page, "land-branches", main)
    assert other != now

    told = page.get_by_label("Fetching from the remote")
    told.get_by_role("button", name="Fetch").click()
    expect(told).to_contain_text("Fetched just now: main was brought forward by 2 commits.")
    expect(main).not_to_contain_text("new at the remote")
    assert complaints(page) == []
    told.get_by_role("button", name="Fetch").click()
    expect(told).to_contain_text("Fetched just now: Nothing new.")
    own = house.script(REPO, "Say it on Sundays", "echo 'Closed' > sundays.txt")
    board.command(own, "start")
    board.wait_for(own, "in_review")
    board.approve(own)
    commit_files(work, {"theirs.txt": "1\n"}, "Theirs")
    git(work, "push", "-q", "origin", "main")
    told.get_by_role("button", name="Fetch").click()
    expect(told).to_contain_text("main went its own way")
    expect(main).to_contain_text("diverged")
    shoot_everywhere(page, "fetch-branches", told)
    assert complaints(page) == []
    main.get_by_role("button", name="Land main").click()
    dialog.get_by_role("button", name="Merge them in here").click()
    dialog.get_by_role("button", name="Push main").click()
    landed.get_by_role("button", name="Done", exact=True).click()
    expect(told).not_to_contain_text("went its own way")

    page.goto(f"{house.server.url}/r/{REPO}/settings")
    every = page.get_by_label("Fetch by itself every")
    every.fill("15")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The settings are saved.", exact=True)).to_be_visible()
    assert board.get(f"/api/repos/{REPO}")["settings"]["sync_every_s"] == 900
    every.scroll_into_view_if_needed()
    shoot_everywhere(page, "land-settings", every)


def test_a_repository_over_ssh_is_given_its_key(
    house: House, page: Page, work: Path, tmp_path: Path
) -> None:
    host = make_ssh_host(tmp_path / "sshd")
    with host.running():
        assert house.server.link is not None
        page.goto(house.server.link)
        page.get_by_label("URL").fill(host.url(tmp_path / "remotes" / "shop.git"))
        page.get_by_role("button", name="Add and fetch").click()
        page.wait_for_url("**/r/shop")
        page.get_by_role("link", name="Show the key").click()
        page.get_by_role("button", name="Fetch", exact=True).click()
        expect(page.get_by_role("alert")).to_contain_text(
            "does not let this repository's deploy key"
        )
        expect(page.get_by_text(host.fingerprint())).to_be_visible()
        shoot_everywhere(page, "deploy-key", page.get_by_text("Give shop its key first"))
        assert complaints(page) == []
        host.let_in(house.board.get("/api/repos/shop")["deploy_key"])
        page.get_by_role("button", name="Fetch", exact=True).click()
        main = page.get_by_role("listitem").filter(has_text="default")
        expect(main).to_be_visible()
        main.get_by_role("button", name="Land main").click()
        dialog = page.get_by_role("dialog", name="Land on the remote")
        expect(dialog).to_contain_text("The remote is at the same commit")
        expect(dialog).to_contain_text("s deploy key.")
        page.goto(f"{house.server.url}/r/shop/settings")
        shown = page.get_by_role("button", name=re.compile("Pin the host"))
        expect(shown).to_be_visible()
        shoot_everywhere(page, "deploy-key-settings", shown)
        assert complaints(page) == []
