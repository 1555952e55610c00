"""Two cards that conflict: the board says so, one is merged, the other is resolved by its agent, live."""

from __future__ import annotations

import re
from typing import Final

from playwright.sync_api import Locator, Page, expect

from acceptance.house import House
from e2e.pictures import shoot_everywhere
from e2e.stage import FILES
from support.history import git, parents, tip
from support.waiting import until

REPO: Final = "storefront"
CENTS: Final = "Keep prices in cents"
ROUND: Final = "Round prices on the invoice"
LICENCE: Final = "Say under which licence it is"
PRICES: Final = "def price(amount: float) -> float:\n    return amount * 1.19\n"
CART: Final = "storefront/prices.py"


def edit(line: str, resolved: str) -> str:
    """A script that writes its own line; sent back with a conflict it merges, and writes another."""
    write = f"sed -i 's|^    return .*|    return {{}}|' {CART}"
    settle = f"git merge -q -X ours origin/main; {write.format(resolved)}; git commit -qam Resolve"
    plain = f"{write.format(line)}; git commit -qam 'Change the price'"
    return f'if [ -n "$MERGE_CONFLICTS" ]; then {settle}; else {plain}; fi'


def set_up(house: House) -> dict[str, str]:
    """Three cards in review, of which two changed the same line; ids by title."""
    house.repository(REPO, commits=40, files={**FILES, CART: PRICES})
    cards = {}
    for title, script in (
        (CENTS, edit("round(amount * 119)", "unused")),
        (ROUND, edit("round(amount * 1.19, 2)", "round(amount * 119, 2)")),
        (LICENCE, "echo MIT > LICENSE"),
    ):
        cards[title] = house.script(REPO, title, script, labels=["shop"])
        house.board.command(cards[title], "start")
        house.board.wait_for(cards[title], "in_review")
    return cards


def tile(page: Page, title: str) -> Locator:
    return (
        page.get_by_role("region", name="In Review").get_by_role("listitem").filter(has_text=title)
    )


def test_a_conflict_is_seen_coming_and_resolved_by_the_agent(house: House, page: Page) -> None:
    cards = set_up(house)
    assert house.server.link is not None
    page.goto(house.server.link.replace("/#", f"/r/{REPO}#"))
    expect(tile(page, CENTS)).to_contain_text("conflicts with #2")
    expect(tile(page, ROUND)).to_contain_text("conflicts with #1")
    expect(tile(page, LICENCE)).to_contain_text("merges cleanly")
    shoot_everywhere(page, "conflicts-board", tile(page, ROUND))

    page.get_by_role("link", name=ROUND).click()
    merging = page.get_by_role("region", name="Merging")
    expect(merging).to_contain_text(f"#1 {CENTS} in {CART}")
    expect(page.get_by_role("button", name="Approve and merge")).to_be_enabled()
    shoot_everywhere(page, "conflicts-rival", merging)

    house.board.approve(cards[CENTS])
    expect(merging).to_contain_text(f"Conflicts with main in {CART}. main is 2 commits ahead.")
    expect(merging).not_to_contain_text("another card")
    expect(page.get_by_role("button", name="Approve and merge")).to_be_disabled()
    merging.get_by_role("button", name="Resolve it yourself").click()
    internal = house.board.get(f"/api/repos/{REPO}")["internal_git_url"]
    branch = house.board.card(cards[ROUND])["branch_name"]
    expect(merging).to_contain_text(f"git fetch {house.server.url}{internal} {branch}")
    expect(merging).to_contain_text(f"HEAD:refs/heads/{branch}")
    shoot_everywhere(page, "conflicts-base", merging)

    merging.get_by_role("button", name="Ask the agent to resolve").click()
    house.board.wait_for(cards[ROUND], "in_review")
    expect(merging).to_be_hidden()
    expect(page.get_by_role("dialog")).to_contain_text("merges cleanly")
    expect(page.get_by_role("log", name="Activity")).to_contain_text("Resolve the conflict with")

    # Nothing that came since is approved unseen: the page says so in its own time.
    load = page.get_by_role("button", name="Load the new commits")
    load.click()
    expect(load).to_be_hidden()
    approve = page.get_by_role("button", name="Approve and merge")
    expect(approve).to_be_enabled()
    approve.click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    store = house.internal(REPO)
    assert "round(amount * 119, 2)" in git(store, "show", f"main:{CART}")


def test_a_branch_that_is_behind_is_updated(house: House, page: Page) -> None:
    cards = set_up(house)
    house.board.approve(cards[CENTS])
    assert house.server.link is not None
    page.goto(house.server.link.replace("/#", f"/r/{REPO}#"))
    expect(tile(page, LICENCE)).to_contain_text("2 commits behind its base")
    shoot_everywhere(page, "behind-board", tile(page, LICENCE))
    page.get_by_role("link", name=LICENCE).click()
    merging = page.get_by_role("region", name="Merging")
    expect(merging).to_contain_text("2 commits behind main")
    expect(page.get_by_role("tabpanel", name="Changes")).to_contain_text("LICENSE")
    shoot_everywhere(page, "behind-sheet", merging)

    before = house.board.card(cards[LICENCE])["head_sha"]
    merging.get_by_role("button", name="Update branch").click()
    with page.expect_response(re.compile("/diff")):  # the new commit is loaded by itself
        page.get_by_role("menuitem", name=re.compile("Merge main in")).click()
    expect(merging).to_be_hidden()
    store = house.internal(REPO)
    branch = house.board.card(cards[LICENCE])["branch_name"]
    until(lambda: tip(store, branch) != before, "the branch has moved")
    assert parents(store, tip(store, branch)) == [before, tip(store, "main")]

    approve = page.get_by_role("button", name="Approve and merge")
    expect(approve).to_be_enabled()  # the new commit was loaded and is on the screen
    approve.click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert house.board.card(cards[LICENCE])["status"] == "done"
