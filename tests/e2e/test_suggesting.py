"""A reviewer who says exactly what lines should become: commits it at once, or leaves it to the agent."""

from __future__ import annotations

from typing import Final

from playwright.sync_api import Page, expect

from acceptance.house import House
from e2e.axe import complaints
from e2e.test_rounds import comment, row_of, shoot_everywhere_of_changes
from support.history import git
from support.waiting import until

REPO: Final = "shop"
CODE: Final = (
    "def total(items):\n    sum = 0\n    for item in items:\n        sum += item\n    return sum\n"
)
COMMAND: Final = (
    f"cat > total.py <<'END'\n{CODE}END\ngit add -A; git commit -qm 'Add the total'; "
    "echo '[#1] Left it.'"
)


def test_a_suggestion_is_committed_or_sent(house: House, page: Page) -> None:
    house.repository(REPO)
    house.board.patch("/api/settings", {"person": {"name": "Ada", "email": "ada@example.com"}})
    card = house.script(REPO, "Add up what is in the cart", COMMAND)
    house.board.command(card, "start")
    head = house.board.wait_for(card, "in_review")["head_sha"]
    assert house.server.link is not None
    page.goto(house.server.link.replace("/#", f"/r/{REPO}/c/1#"))

    # Two lines, by Shift; the block begins with what is there.
    row_of(page, 2).hover()
    page.get_by_role("button", name="Comment on line 2", exact=True).click()
    row_of(page, 4).hover()
    page.get_by_role("button", name="Comment on line 4", exact=True).click(modifiers=["Shift"])
    box = page.get_by_role("textbox", name="Comment on lines 2\N{EN DASH}4 of total.py")
    page.get_by_role("button", name="Suggest").click()
    expect(box).to_have_value(
        "```suggestion\n    sum = 0\n    for item in items:\n        sum += item\n```\n"
    )
    box.fill(
        "Shadows a builtin.\n\n```suggestion\n    added = 0\n    for item in items:\n        added += item\n```\n"
    )
    page.get_by_role("button", name="Add to review").click()
    shown = page.get_by_role("figure", name="Suggestion")
    expect(shown).to_contain_text("added = 0")
    shoot_everywhere_of_changes(page, "suggestion-draft", shown)
    page.get_by_role("button", name="Commit suggestion").click()
    expect(page.get_by_text("Committed the suggestion to total.py.").last).to_be_visible()
    changes = page.get_by_role("tabpanel", name="Changes")
    expect(changes).to_contain_text("added += item")
    expect(shown).to_have_count(0)
    expect(page.get_by_role("button", name="Approve and merge")).to_be_enabled()
    store, now = house.internal(REPO), str(house.board.card(card)["head_sha"])
    said = git(store, "log", "-1", "--format=%an %P %s", now)
    assert said == f"Ada {head} Apply a suggestion to total.py"
    assert git(store, "show", f"{now}:total.py").count("added") == 2

    # Another goes to the agent, who leaves it; the person commits it from the sent comment.
    row_of(page, 5).hover()
    page.get_by_role("button", name="Comment on line 5", exact=True).click()
    page.get_by_role("button", name="Suggest").click()
    page.get_by_role("textbox", name="Comment on line 5 of total.py").fill(
        "```suggestion\n    return added\n```"
    )
    house.board.patch(
        f"/api/cards/{card}", {"agent_options": {"command": "echo '[#1] Left it to you.'"}}
    )
    page.get_by_role("button", name="Send now").click()
    first = comment(page, 1)
    expect(first).to_contain_text("Left it to you.")
    prompt = "".join(entry["text"] for entry in house.board.log(house.board.job(card)["id"]))
    assert "Apply it, unless it is wrong" in prompt
    expect(first.get_by_role("figure", name="Suggestion")).to_contain_text("return sum")
    shoot_everywhere_of_changes(page, "suggestion-sent", first)
    first.get_by_role("button", name="Commit suggestion").click()
    expect(changes).to_contain_text("return added")
    until(lambda: house.board.comments(card)[0]["state"] == "resolved", "it is settled")
    assert complaints(page) == []
    page.get_by_role("button", name="Approve and merge").click()
    until(lambda: house.board.card(card)["status"] == "done", "it is merged")
    assert git(store, "show", "main:total.py").endswith("return added")


def test_a_suggestion_for_a_branch_that_moved_is_refused(house: House, page: Page) -> None:
    house.repository(REPO)
    card = house.script(REPO, "Add up what is in the cart", COMMAND)
    house.board.command(card, "start")
    head = house.board.wait_for(card, "in_review")["head_sha"]
    assert house.server.link is not None
    page.goto(house.server.link.replace("/#", f"/r/{REPO}/c/1#"))
    row_of(page, 5).hover()
    page.get_by_role("button", name="Comment on line 5", exact=True).click()
    page.get_by_role("button", name="Suggest").click()
    page.get_by_role("textbox", name="Comment on line 5 of total.py").fill(
        "```suggestion\n    return 0\n```"
    )
    page.get_by_role("button", name="Add to review").click()
    other = {"path": "total.py", "line": 1, "text": "def total(items):  # of a cart\n"}
    house.board.command(card, "suggestions", {"head_sha": head, "suggestions": [other]})
    expect(page.get_by_text("1 new commit on the branch since you looked.")).to_be_visible()
    page.get_by_role("button", name="Commit suggestion").click()
    expect(page.get_by_role("alert")).to_contain_text("Load the new commits first")
