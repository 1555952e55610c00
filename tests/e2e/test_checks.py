"""Checks and the merge queue as a person sees them: by name, with what failed, live, and settings."""

from __future__ import annotations

from typing import Final

from playwright.sync_api import Locator, Page, expect

from acceptance.house import House
from e2e.pictures import shoot_everywhere
from e2e.stage import FILES
from support.history import git
from support.waiting import until

REPO: Final = "storefront"
CONFIG: Final = """\
[[checks]]
name = "tests"
run = "sh check.sh tests"

[[checks]]
name = "lint"
run = "sh check.sh lint"
"""
SCRIPT: Final = """\
if [ "$1" = lint ] && [ -e sloppy.py ]; then
  echo "sloppy.py:1:1 F401 'os' imported but unused"; echo "Found 1 error."; exit 1
fi
echo ok
"""


def set_up(house: House, *cards: tuple[str, str]) -> list[str]:
    """A repository with two checks, and cards in review."""
    files = {**FILES, ".lazyaf/config.toml": CONFIG, "check.sh": SCRIPT}
    house.repository(REPO, files=files)
    ids = [house.script(REPO, title, command) for title, command in cards]
    for card in ids:
        house.board.command(card, "start")
        house.board.wait_for(card, "in_review")
    return ids


def opened(house: House, page: Page, path: str = f"/r/{REPO}") -> None:
    assert house.server.link is not None
    page.goto(house.server.link.replace("/#", f"{path}#"))


def tile(page: Page, title: str) -> Locator:
    return (
        page.get_by_role("region", name="In Review").get_by_role("listitem").filter(has_text=title)
    )


def test_what_fails_is_named_and_not_merged_and_what_passes_is(house: House, page: Page) -> None:
    sloppy, clean = set_up(
        house,
        ("Import what is needed", "echo 'import os' > sloppy.py"),
        ("Say under which licence it is", "echo MIT > LICENSE"),
    )
    opened(house, page)
    expect(tile(page, "Import what")).to_contain_text("lint failed")
    expect(tile(page, "Say under")).to_contain_text("checks passed")
    shoot_everywhere(page, "checks-board", tile(page, "Import what"))

    page.get_by_role("link", name="Import what is needed").click()
    checks = page.get_by_role("region", name="Checks")
    expect(checks).to_contain_text("lint failed")
    expect(checks).to_contain_text("exit 1")
    checks.get_by_role("button", name="lint").click()
    expect(checks).to_contain_text("imported but unused")
    expect(page.get_by_role("button", name="Approve and merge")).to_be_enabled()
    shoot_everywhere(page, "checks-failed", checks)

    page.get_by_role("button", name="Approve and merge").click()
    expect(checks).to_contain_text("not merged. It did not pass: lint.")
    expect(page.get_by_role("dialog")).to_be_visible()
    shoot_everywhere(page, "checks-bounced", checks)
    log = page.get_by_role("log", name="Activity")
    log.get_by_role("button", name="Not every check passed").first.click()
    expect(log).to_contain_text("lint: sh check.sh lint")
    assert house.board.card(sloppy)["status"] == "in_review"
    page.keyboard.press("Escape")

    page.get_by_role("link", name="Say under which licence").click()
    expect(checks).to_contain_text("checks passed")
    approve = page.get_by_role("button", name="Approve and merge")
    expect(approve).to_be_enabled()
    approve.click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    until(lambda: house.board.card(clean)["status"] == "done", "it is merged")
    names = git(house.internal(REPO), "ls-tree", "--name-only", "main").split()
    assert "LICENSE" in names
    assert "sloppy.py" not in names


def test_an_approved_card_waits_and_can_be_taken_back(house: House, page: Page) -> None:
    [card] = set_up(house, ("Say under which licence it is", "echo MIT > LICENSE"))
    until(lambda: (house.board.card(card)["checks"] or {}).get("state") == "passed", "it passed")
    slow = CONFIG.replace("sh check.sh tests", "sleep 60")
    checkout = house.root / REPO
    (checkout / ".lazyaf" / "config.toml").write_text(slow)
    git(checkout, "commit", "-qam", "Check more slowly")
    house.ingest(REPO, checkout)
    opened(house, page)
    page.get_by_role("link", name="Say under which licence").click()
    checks = page.get_by_role("region", name="Checks")
    expect(checks).to_contain_text("checking")
    approve = page.get_by_role("button", name="Approve and merge")
    expect(approve).to_be_enabled()
    approve.click()
    expect(tile(page, "Say under")).to_contain_text("approved")
    page.get_by_role("link", name="Say under which licence").click()
    expect(checks).to_contain_text("approved. It is merged when its checks have passed.")
    expect(page.get_by_role("button", name="Approve and merge")).to_be_disabled()
    shoot_everywhere(page, "checks-queued", checks)
    checks.get_by_role("button", name="Take it out of the queue").click()
    expect(checks).not_to_contain_text("approved")
    checks.get_by_role("button", name="Stop").click()
    expect(checks).to_contain_text("checks stopped")
    assert house.board.card(card)["status"] == "in_review"


def test_cards_that_are_tried_together_say_so(house: House, page: Page) -> None:
    titles = ("Say under which licence it is", "Name the authors", "Answer what was asked")
    cards = set_up(
        house,
        *zip(titles, (f"echo 1 > {n}.md" for n in ("LICENSE", "AUTHORS", "FAQ")), strict=True),
    )
    for card in cards:
        until(
            lambda card=card: (house.board.card(card)["checks"] or {}).get("state") == "passed",
            "it passed",
        )
    checkout = house.root / REPO
    (checkout / ".lazyaf" / "config.toml").write_text(
        CONFIG.replace("sh check.sh tests", "sleep 60")
    )
    git(checkout, "commit", "-qam", "Check more slowly")
    house.ingest(REPO, checkout)
    for card in cards:
        house.board.approve(card)
    git(checkout, "commit", "-q", "--allow-empty", "-m", "Move on")  # all of them wait by now
    house.ingest(REPO, checkout)
    opened(house, page)
    expect(tile(page, titles[0])).to_contain_text("testing with #2, #3")
    expect(tile(page, titles[2])).to_contain_text("testing with #1, #2")
    shoot_everywhere(page, "checks-together-board", tile(page, titles[0]))
    page.get_by_role("link", name=titles[1]).click()
    checks = page.get_by_role("region", name="Checks")
    expect(checks).to_contain_text("testing with #1, #3. Approved: they are merged together")
    expect(checks).to_contain_text("tests")
    shoot_everywhere(page, "checks-together", checks)
    checks.get_by_role("button", name="Take it out of the queue").click()
    expect(checks).not_to_contain_text("testing with")
    expect(tile(page, titles[0])).to_contain_text("testing with #3")


def test_checks_are_named_in_the_settings(house: House, page: Page) -> None:
    house.repository(REPO)
    opened(house, page, f"/r/{REPO}/settings")
    field = page.get_by_role("textbox", name="Before merging")
    field.fill("tests: make test\nlint")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("is not of the form")).to_be_visible()
    field.fill("tests: make test\nlint: make lint")
    page.get_by_role("textbox", name="Rounds to mend").fill("2")
    shoot_everywhere(page, "checks-settings", field)
    page.get_by_role("button", name="Save").click()

    def said() -> object:
        settings = house.board.get(f"/api/repos/{REPO}")["settings"]
        return [(c["name"], c["run"]) for c in settings["checks"]], settings["fix_rounds"]

    until(lambda: said() == ([("tests", "make test"), ("lint", "make lint")], 2), "it is saved")
    page.reload()
    expect(field).to_have_value("tests: make test\nlint: make lint")
