"""The default branch's own checks with real runners, sandboxes and git: red, one card, mended, green."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from acceptance.house import KEY, House
from support.history import git
from support.waiting import until

SCRIPT = """\
echo "key=${ANTHROPIC_API_KEY:-none} left=$(ls left-* 2>/dev/null)"; touch left-by-this-run
if [ -e broken ]; then echo "assertion failed in $(cat broken)"; exit 3; fi
"""


def config(*, watch: str = "open_card") -> str:
    return (
        f'agent = "script"\n[branches]\ndefault_checks = "{watch}"\n'
        '[[checks]]\nname = "tests"\nrun = "sh check.sh"\ntimeout = "60s"\n'
    )


def watched(house: House, name: str, script: str = SCRIPT, watch: str = "open_card") -> Path:
    """A checkout whose default branch has passed."""
    files = {".lazyaf/config.toml": config(watch=watch), "check.sh": script}
    checkout = house.repository(name, files=files)
    stands(house, name, "passed")
    return checkout


def pushed(house: House, name: str, checkout: Path, files: dict[str, str | None]) -> str:
    """A person's commit, pushed to the default branch."""
    for path, text in files.items():
        if text is None:
            (checkout / path).unlink()
        else:
            (checkout / path).write_text(text)
    git(checkout, "add", "-A")
    git(checkout, "commit", "-qm", "Change it by hand")
    house.ingest(name, checkout)
    return git(checkout, "rev-parse", "HEAD").strip()


def stands(house: House, name: str, state: str, sha: str | None = None) -> dict[str, Any]:
    """Until the default branch stands so, at this commit if one is said."""

    def probe() -> dict[str, Any] | None:
        known = house.board.get(f"/api/repos/{name}")["default_checks"]
        if known is None or known["state"] != state or sha not in (None, known["sha"]):
            return None
        return dict(known)

    found: dict[str, Any] = until(probe, f"{name}'s default branch is {state}")
    return found


def cards(house: House, name: str) -> list[dict[str, Any]]:
    found = house.board.get(f"/api/repos/{name}/cards")["items"]
    return sorted(found, key=lambda card: card["number"])


def the_card(house: House, name: str) -> dict[str, Any]:
    """The one that is opened when it turns red."""
    return until(lambda: cards(house, name), f"{name} has a card")[0]  # type: ignore[no-any-return]


def test_a_push_that_breaks_main_opens_one_card_whose_fix_makes_it_green(house: House) -> None:
    checkout = watched(house, "red")
    board = house.board
    first = pushed(house, "red", checkout, {"broken": "one"})
    known = stands(house, "red", "failed", first)
    card = the_card(house, "red")
    assert (card["title"], card["labels"], card["status"]) == (
        "main is red: tests failed",
        ["red branch"],
        "todo",
    )
    text = board.card(card["id"])["description"]
    assert f"do not pass at `{first[:10]}`, “Change it by hand” by " in text
    assert "**tests** exited with code 3" in text
    assert "assertion failed in one" in text
    said = "\n".join(entry["text"] for entry in board.log(known["job_id"]))
    assert "key=none left=\n" in said
    assert KEY not in said
    assert f"main at {first[:10]} is red: tests failed. Card #1 is open for it." in house.cli(
        "repo", "checks", "red"
    )
    assert "assertion failed in one" in house.cli("repo", "checks", "red", "--log")

    second = pushed(house, "red", checkout, {"broken": "two"})
    stands(house, "red", "failed", second)
    until(
        lambda: "assertion failed in two" in board.card(card["id"])["description"],
        "the card tells of the second commit",
    )
    assert [one["id"] for one in cards(house, "red")] == [card["id"]]
    assert f"It has been red since `{first[:10]}`." in board.card(card["id"])["description"]

    board.patch(f"/api/cards/{card['id']}", {"agent_options": {"command": "rm broken"}})
    board.command(card["id"], "start")
    board.wait_for(card["id"], "in_review")
    until(
        lambda: (board.card(card["id"])["checks"] or {}).get("state") == "passed",
        "the fix has passed",
    )
    assert board.approve(card["id"])["status"] == "done"
    tip = git(house.internal("red"), "rev-parse", "main").strip()
    stands(house, "red", "passed", tip)
    until(lambda: not stands(house, "red", "passed")["red_since"], "the red period is over")
    assert stands(house, "red", "passed")["card"] is None
    # What merged it had been checked: there was no run for the tip that the merge made.
    heads = [run["head_sha"] for run in board.get("/api/repos/red/checks")["items"]]
    assert heads[:2] == [second, first]
    assert len(cards(house, "red")) == 1


def test_a_card_that_nobody_began_goes_when_a_push_mends_it(house: House) -> None:
    checkout = watched(house, "mended-by-hand")
    pushed(house, "mended-by-hand", checkout, {"broken": "one"})
    card = the_card(house, "mended-by-hand")
    mended = pushed(house, "mended-by-hand", checkout, {"broken": None})
    stands(house, "mended-by-hand", "passed", mended)
    house.board.wait_for(card["id"], "done", of="todo")
    text = house.board.card(card["id"])["description"]
    assert text.startswith(f"> `main` is green again at `{mended[:10]}`")


def test_the_agent_begins_by_itself_where_it_may(house: House) -> None:
    checkout = watched(house, "by-itself", watch="start_card")
    pushed(house, "by-itself", checkout, {"broken": "one"})
    card = the_card(house, "by-itself")
    # A script that nobody gave a command fails, but it was begun with.
    until(lambda: house.board.card(card["id"])["status"] == "failed", "its agent has ended")


def test_a_server_that_dies_in_the_middle_opens_one_card(build: Callable[..., House]) -> None:
    house = build(runners=1).start()
    checkout = watched(house, "dies", script="sleep 2; test ! -e broken\n")
    sha = pushed(house, "dies", checkout, {"broken": "one"})
    stands(house, "dies", "running", sha)
    house.server.kill()
    house.start()
    stands(house, "dies", "failed", sha)
    card = the_card(house, "dies")
    house.server.kill()
    house.start()
    stands(house, "dies", "failed", sha)
    assert [one["id"] for one in cards(house, "dies")] == [card["id"]]
    assert len(house.board.get("/api/repos/dies/checks")["items"]) == 2


def test_a_runner_that_dies_costs_only_time(build: Callable[..., House]) -> None:
    house = build(runners=1).start()
    checkout = watched(house, "killed", script="sleep 2; test ! -e broken\n")
    sha = pushed(house, "killed", checkout, {"more": "1"})
    stands(house, "killed", "running", sha)
    [pid] = house.server.runner_pids()
    os.kill(pid, signal.SIGKILL)
    stands(house, "killed", "passed", sha)
    assert cards(house, "killed") == []
