"""The history of a repository: the graph of all branches, of one, and from a branch to its card."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from acceptance.house import House
from e2e.axe import complaints
from e2e.pictures import shoot_everywhere

REPO = "shop"


def test_the_graph_shows_all_branches_or_one(house: House, page: Page) -> None:
    house.repository(REPO, commits=3)
    script = "echo {0} > {0}.txt && git add -A && git commit -qm 'Write {0}'"
    cards = [house.script(REPO, f"Card {n}", script.format(n)) for n in ("one", "two")]
    for card in cards:
        house.board.command(card, "start")
        house.board.wait_for(card, "in_review")
    house.board.approve(cards[0])
    assert house.server.link is not None
    page.goto(house.server.link.replace("/#", f"/r/{REPO}/branches#"))
    page.get_by_role("tab", name="Commits").click()
    commits = page.get_by_role("list", name="Commits, newest first").get_by_role("listitem")
    # Three at the beginning, one of each card, and the merge of the first.
    expect(commits).to_have_count(6)
    expect(commits.filter(has_text="Write two")).to_contain_text("lazyaf/2-card-two")
    expect(commits.filter(has_text="main")).to_contain_text("Card one")
    shoot_everywhere(page, "history", commits.first)
    assert complaints(page) == []

    page.get_by_role("combobox", name="Branch").select_option("main")
    expect(commits).to_have_count(5)
    expect(commits.filter(has_text="Write two")).to_have_count(0)
    page.get_by_role("combobox", name="Branch").select_option("lazyaf/2-card-two")
    expect(commits).to_have_count(4)
    expect(commits.first).to_contain_text("Write two")

    page.get_by_role("tab", name="Branches").click()
    page.get_by_role("searchbox", name="Filter branches").fill("two")
    page.get_by_role("link", name="#2 Card two").click()
    expect(page).to_have_url(f"{house.server.url}/r/{REPO}/c/2")
