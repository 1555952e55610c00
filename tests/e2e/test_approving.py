"""Approving as a person does it: by another method than usual, with a branch that goes and comes back."""

from __future__ import annotations

from typing import Final

from playwright.sync_api import Page, expect

from acceptance.house import House
from e2e.pictures import shoot_everywhere
from support.history import git
from support.waiting import until

REPO: Final = "storefront"
TITLE: Final = "Say under which licence it is"
MESSAGE: Final = "{title} (#{number})\n\n{description}"


def opened(house: House, page: Page, path: str) -> None:
    assert house.server.link is not None
    page.goto(house.server.link.replace("/#", f"{path}#"))


def test_a_card_is_squashed_by_the_menu_and_its_branch_restored(house: House, page: Page) -> None:
    house.repository(REPO)
    settings = {"delete_branch": True, "merge_message": MESSAGE}
    house.board.patch(f"/api/repos/{REPO}", {"settings": settings})
    card = house.script(REPO, TITLE, "echo MIT > LICENSE", description="MIT, as everywhere.")
    house.board.command(card, "start")
    seen = house.board.wait_for(card, "in_review")
    opened(house, page, f"/r/{REPO}/c/1")

    expect(page.get_by_role("button", name="Approve and merge")).to_be_enabled()
    page.get_by_role("button", name="Choose how to merge").click()
    menu = page.get_by_role("menu", name="How to merge")
    expect(menu.get_by_role("menuitem")).to_have_count(3)
    expect(menu.get_by_role("menuitem", name="Merge with a merge commit")).to_contain_text("Usual")
    shoot_everywhere(page, "approve-menu", menu)
    menu.get_by_role("menuitem", name="Squash and merge").click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    until(lambda: house.board.card(card)["status"] == "done", "it is merged")
    store = house.internal(REPO)
    said = git(store, "log", "-1", "--format=%P%n%B", "main").splitlines()
    assert len(said[0].split()) == 1
    assert said[1:4] == [f"{TITLE} (#1)", "", "MIT, as everywhere."]
    assert git(store, "branch", "--list", "lazyaf/*") == ""

    page.get_by_role("link", name=TITLE).click()
    page.get_by_role("tab", name="Details").click()
    details = page.get_by_role("tabpanel", name="Details")
    expect(details.get_by_text("deleted", exact=True)).to_be_visible()
    shoot_everywhere(page, "branch-deleted", details)
    details.get_by_role("button", name="Restore branch").click()
    expect(details.get_by_text("deleted", exact=True)).to_be_hidden()
    expect(details).to_contain_text("git fetch")
    assert git(store, "rev-parse", str(seen["branch_name"])).strip() == seen["head_sha"]


def test_how_to_merge_is_set_and_what_is_wrong_is_said(house: House, page: Page) -> None:
    house.repository(REPO)
    opened(house, page, f"/r/{REPO}/settings")
    message = page.get_by_role("textbox", name="Message")
    message.fill("{title} by {author}")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("does not know the placeholder {author}")).to_be_visible()
    message.fill(MESSAGE)
    page.get_by_role("combobox", name="Approving makes").select_option("squash")
    page.get_by_role("checkbox", name="Delete the branch of a card").check()
    shoot_everywhere(page, "merging-settings", message)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The settings are saved.", exact=True)).to_be_visible()
    now = house.board.get(f"/api/repos/{REPO}")["settings"]
    assert (now["merge_method"], now["merge_message"], now["delete_branch"]) == (
        "squash",
        MESSAGE,
        True,
    )
    page.reload()
    expect(message).to_have_value(MESSAGE)
