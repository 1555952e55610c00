"""A runner that was given up has left its work: the card says so, and a person takes it."""

from __future__ import annotations

import re
from typing import Final

from playwright.sync_api import Page, expect

from acceptance.house import House
from e2e.pictures import shoot_everywhere
from support.history import git, tip

REPO: Final = "wreck"


def leave(house: House, card: str, name: str) -> str:
    """What a lost attempt of this card's job would have pushed; the commit."""
    internal, job = house.internal(REPO), house.board.get(f"/api/cards/{card}")["job_id"]
    blob = git(internal, "hash-object", "-w", "--stdin", stdin=f"{name}\n".encode())
    tree = git(internal, "mktree", stdin=f"100644 blob {blob}\t{name}\n".encode())
    sha = git(internal, "commit-tree", tree, "-p", tip(internal, "main"), "-m", f"Write {name}")
    git(internal, "update-ref", f"refs/lazyaf/jobs/{job}/orphan/1", sha)
    return sha


def test_recovered_work_is_used_or_put_aside(house: House, page: Page) -> None:
    house.repository(REPO)
    card = house.script(REPO, "Write something", "echo second > second.txt")
    house.board.command(card, "start")
    house.board.wait_for(card, "in_review")
    branch = house.board.get(f"/api/cards/{card}")["branch_name"]
    before = tip(house.internal(REPO), branch)
    first = leave(house, card, "first.txt")

    assert house.server.link is not None
    page.goto(house.server.link.replace("/#", f"/r/{REPO}/c/1#"))
    strip = page.get_by_role("region", name="Recovered work")
    expect(strip).to_contain_text("Recovered work of attempt 1: 1 commit")
    expect(strip).to_contain_text("Write first.txt")
    shoot_everywhere(page, "recovered", strip)

    strip.get_by_role("button", name="Use it").click()
    expect(strip).to_be_hidden()
    changes = page.get_by_role("region", name=re.compile("^Changes"))
    expect(changes).to_contain_text("first.txt")
    expect(changes).not_to_contain_text("second.txt")
    assert tip(house.internal(REPO), branch) == first
    assert git(house.internal(REPO), "rev-parse", "refs/lazyaf/archive/1/1") == before

    leave(house, card, "third.txt")
    page.reload()
    strip.get_by_role("button", name="Discard").click()
    page.get_by_role("dialog", name="Put this work aside?").get_by_role(
        "button", name="Discard"
    ).click()
    expect(strip).to_be_hidden()
    assert tip(house.internal(REPO), branch) == first
