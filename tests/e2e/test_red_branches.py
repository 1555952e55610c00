"""How the default branch stands, as a person sees it: in the bar, among the branches, and with its log."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from playwright.sync_api import Page, expect

from acceptance.house import House
from e2e.axe import complaints
from e2e.pictures import shoot_everywhere
from e2e.stage import FILES
from support.history import git
from support.waiting import until

REPO: Final = "storefront"
CONFIG: Final = """\
agent = "script"

[branches]
default_checks = "open_card"

[[checks]]
name = "tests"
run = "sh check.sh"

[[checks]]
name = "lint"
run = "echo All checks passed!"
"""
SCRIPT: Final = """\
echo "test_adding_twice_adds_up ... ok"
if [ -e broken ]; then
  echo "test_signing_in_keeps_the_cart ... FAIL"; echo "AssertionError: {} != {'tea': 3}"; exit 1
fi
"""


def set_up(house: House) -> Path:
    files = {**FILES, ".lazyaf/config.toml": CONFIG, "check.sh": SCRIPT}
    return house.repository(REPO, files=files)


def pushed(house: House, checkout: Path, command: str) -> None:
    """A person's commit that goes past the review."""
    if command == "break":
        (checkout / "broken").write_text("x\n")
    else:
        (checkout / "broken").unlink()
    git(checkout, "add", "-A")
    git(checkout, "commit", "-qm", f"Try to {command} it")
    house.ingest(REPO, checkout)


def opened(house: House, page: Page, path: str = f"/r/{REPO}") -> None:
    assert house.server.link is not None
    page.goto(house.server.link.replace("/#", f"{path}#"))


def test_a_red_branch_is_seen_and_its_log_and_card_are_one_step_away(
    house: House, page: Page
) -> None:
    checkout = set_up(house)
    opened(house, page)
    bar = page.get_by_role("banner")
    branch = bar.get_by_role("link", name="main")
    expect(branch).to_contain_text("green")
    pushed(house, checkout, "break")
    expect(branch).to_contain_text("red: tests failed")
    todo = page.get_by_role("region", name="To Do")
    expect(todo).to_contain_text("main is red: tests failed")
    shoot_everywhere(page, "red-branch-board", branch)

    branch.click()
    row = page.get_by_role("listitem").filter(has_text="default")
    stand = row.get_by_role("link", name="Red: tests failed")
    expect(stand).to_be_visible()
    expect(row.get_by_role("link", name="#1")).to_be_visible()
    shoot_everywhere(page, "red-branch-branches", stand)
    assert complaints(page) == []

    stand.click()
    expect(page.get_by_role("heading", name="Checks of main")).to_be_visible()
    results = page.get_by_role("listitem")
    expect(results.filter(has_text="tests")).to_contain_text("exit 1")
    expect(results.filter(has_text="lint")).to_contain_text("✓")
    log = page.get_by_role("log")
    expect(log).to_contain_text("AssertionError: {} != {'tea': 3}")
    shoot_everywhere(page, "red-branch-run", log)
    assert complaints(page) == []

    page.get_by_role("button", name="Run now").click()
    expect(page.get_by_role("combobox", name="Run")).to_contain_text("failed")
    until(lambda: len(house.board.get(f"/api/repos/{REPO}/checks")["items"]) == 3, "a third run")
    expect(page.get_by_text("failed", exact=True)).to_be_visible()

    page.get_by_role("link", name="main is red: tests failed").click()
    sheet = page.get_by_role("dialog")
    expect(sheet).to_contain_text("do not pass at")
    shoot_everywhere(page, "red-branch-card", sheet)
    sheet.get_by_role("link", name="The log of the checks").click()
    expect(page.get_by_role("heading", name="Checks of main")).to_be_visible()

    pushed(house, checkout, "mend")
    expect(branch).to_contain_text("green")
    page.goto(page.url.split("/r/")[0] + f"/r/{REPO}")
    done = page.get_by_role("region", name="Done")
    expect(done).to_contain_text("main is red: tests failed")


def test_checks_are_run_from_the_branches_and_stopped(house: House, page: Page) -> None:
    slow = CONFIG.replace("open_card", "off").replace("sh check.sh", "sleep 60")
    house.repository(REPO, files={**FILES, ".lazyaf/config.toml": slow})
    opened(house, page, f"/r/{REPO}/branches")
    row = page.get_by_role("listitem").filter(has_text="default")
    expect(row).to_contain_text("not checked")
    shoot_everywhere(page, "red-branch-unknown", row)
    row.get_by_role("button", name="Run checks on main").click()
    expect(row.get_by_role("link", name="Checking")).to_be_visible()
    expect(row.get_by_role("button", name="Run checks on main")).to_be_disabled()
    row.get_by_role("link", name="Checking").click()
    log = page.get_by_role("log")
    expect(log).to_contain_text("sleep 60")
    expect(log).to_contain_text("Checking on local-")
    shoot_everywhere(page, "red-branch-running", log)
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("stopped", exact=True)).to_be_visible()


def test_what_happens_by_itself_is_a_setting(house: House, page: Page) -> None:
    house.repository(REPO)
    opened(house, page, f"/r/{REPO}/settings")
    page.get_by_role("textbox", name="Before merging").fill("tests: make test")
    choice = page.get_by_role("combobox", name="On main itself")
    choice.select_option(label="Open a card when they fail")
    shoot_everywhere(page, "red-branch-settings", choice)
    page.get_by_role("button", name="Save").click()
    until(
        lambda: house.board.get(f"/api/repos/{REPO}")["settings"]["default_checks"] == "open_card",
        "it is saved",
    )
