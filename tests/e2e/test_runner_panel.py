"""The panel of runners: more and fewer of them with a click, who is there, and what they do."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from acceptance.house import House
from e2e.axe import complaints
from e2e.pictures import shoot_everywhere
from support.waiting import until

REPO = "shop"


def runners(house: House) -> int:
    """How many are connected."""
    found = house.board.get("/api/runners")["items"]
    return sum(each["status"] != "offline" for each in found)


def test_a_pool_grows_and_shrinks_with_a_click(house: House, page: Page) -> None:
    house.repository(REPO)
    card = house.script(REPO, "Wait", "touch ready; until [ -e go ]; do sleep 0.05; done")
    house.board.command(card, "start")
    tree = house.tree_of("ready")
    assert house.server.link is not None
    page.goto(house.server.link.replace("/#", f"/r/{REPO}#"))
    before = runners(house)
    page.get_by_role("button", name=f"1 of {before} runners busy").click()
    panel = page.get_by_role("dialog", name="Runners")
    wanted = panel.get_by_label("Wanted runners")
    expect(wanted).to_have_text(str(before))

    panel.get_by_role("button", name="One more").click()
    expect(wanted).to_have_text(str(before + 1))
    until(lambda: runners(house) == before + 1, "there is one more")
    expect(panel.get_by_role("link", name="#1 Wait")).to_be_visible()
    shoot_everywhere(page, "runner-panel", panel)
    assert complaints(page) == []

    panel.get_by_role("button", name="One fewer").click()
    expect(wanted).to_have_text(str(before))
    until(lambda: runners(house) == before, "it has left")

    # Who works finishes first.
    for left in range(before - 1, -1, -1):
        panel.get_by_role("button", name="One fewer").click()
        expect(wanted).to_have_text(str(left))
    until(lambda: runners(house) == 1, "the one that works is left")
    expect(panel.get_by_text("leaving")).to_be_visible()
    assert house.board.job(card)["status"] == "running"
    (tree / "go").touch()
    house.board.wait_for(card, "in_review")
    until(lambda: runners(house) == 0, "it left when it had finished")
