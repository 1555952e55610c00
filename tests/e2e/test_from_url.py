"""A repository comes from its URL, fetched by the server; then it is protected, and fetched again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from support.history import commit_files, git, make_repository
from support.server import ServerProcess


@pytest.fixture
def remote(tmp_path: Path) -> Iterator[ServerProcess]:
    """Another server, which lets nobody in without its token."""
    with ServerProcess(tmp_path / "remote", None, "--pool", "none") as running:
        yield running


@pytest.fixture
def board(chromium: str, tmp_path: Path) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path / "board", None, "--pool", "none") as running:
        yield running


def test_from_a_url_that_wants_credentials(
    board: ServerProcess, remote: ServerProcess, page: Page, tmp_path: Path
) -> None:
    token = (remote.data_dir / "token").read_text().strip()
    work = make_repository(tmp_path / "work", commits=3, files={"readme.md": "hello\n"})
    repo = remote.client.post("/api/repos", json={"name": "origin"}).json()["id"]
    url = f"{remote.url}/git/{repo}.git"
    with_login = url.replace("http://", f"http://lazyaf:{token}@")
    git(work, "push", "-q", with_login, "main", "main:release/1")

    assert board.link is not None
    page.goto(board.link)
    add = page.get_by_role("button", name="Add and fetch")
    page.get_by_label("URL").fill("/etc")
    add.click()
    expect(page.get_by_text("the server fetches from nothing else")).to_be_visible()
    page.get_by_label("URL").fill(url)
    page.get_by_label("Name, if another").fill("shop")
    add.click()
    expect(page.get_by_role("alert")).to_contain_text("wants to know who you are")
    page.get_by_label("Password or access token").fill(token)
    add.click()
    page.wait_for_url("**/r/shop")

    page.goto(f"{board.url}/r/shop/branches")
    expect(page.get_by_text("release/1")).to_be_visible()
    page.goto(f"{board.url}/r/shop/settings")
    page.get_by_label("Approving makes").select_option("squash")
    page.get_by_role("textbox", name="Protected branches").fill("release/*, stable")
    page.get_by_role("checkbox", name="Only approving changes").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The settings are saved.", exact=True)).to_be_visible()
    shown = board.client.get("/api/repos/shop").json()
    assert shown["settings"]["merge_method"] == "squash"
    assert shown["settings"]["protected_branches"] == ["release/*", "stable"]
    assert (shown["settings"]["only_approve"], shown["has_credentials"]) == (True, True)
    assert token not in page.content()

    new = commit_files(work, {"more.txt": "1\n"}, "more")
    git(work, "push", "-q", with_login, "main", "main:topic")
    page.get_by_role("button", name="Fetch now").click()
    expect(page.get_by_text("Left as they are")).to_contain_text("main")  # only approve may
    branches = board.client.get("/api/repos/shop/branches").json()["items"]
    assert {b["name"]: b["sha"] for b in branches}["topic"] == new
    page.get_by_role("button", name="Forget them").click()
    expect(page.get_by_text("Credentials for this remote are kept")).not_to_be_visible()
    page.get_by_role("button", name="Fetch now").click()
    expect(page.get_by_role("alert")).to_contain_text("wants to know who you are")
