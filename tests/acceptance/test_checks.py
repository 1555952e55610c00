"""Checks and the merge queue with real runners, sandboxes and git: nothing is merged that has not passed."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from acceptance.house import KEY, House
from support.files import below
from support.history import git
from support.waiting import until

SEES = """\
echo "ci=$CI secret=${TOKEN:+there} key=${ANTHROPIC_API_KEY:-none}"
[ ! -e left-by-the-agent ] && [ ! -e "$HOME/left-by-the-agent" ] && test -f prepared
"""


def config(
    run: str, *, rounds: int = 0, timeout: str = "60s", setup: str = "touch prepared"
) -> str:
    return (
        f'[setup]\nrun = "{setup}"\n[limits]\nfix_rounds = {rounds}\n'
        f'[[checks]]\nname = "tests"\nrun = "{run}"\ntimeout = "{timeout}"\n'
    )


def checked(house: House, name: str, **said: Any) -> Path:
    """A repository whose file names a check, which is a script of its own."""
    script = said.pop("script", "test ! -e broken\n")
    files = {".lazyaf/config.toml": config("sh check.sh", **said), "check.sh": script}
    return house.repository(name, files=files)


def wait_for_checks(house: House, card: str, state: str) -> dict[str, Any]:
    """Until the checks of the card's head have come so far."""

    def probe() -> dict[str, Any] | None:
        found = house.board.card(card)
        checks = found["checks"]
        if checks is None or checks["head_sha"] != found["head_sha"]:
            return None
        if checks["state"] not in (state, "queued", "running"):
            runs = house.board.get(f"/api/cards/{card}/checks")["items"]
            raise AssertionError(f"they are not {state}: {runs[0]}")
        return found if checks["state"] == state else None

    shown: dict[str, Any] = house.board.explained(card, probe, f"its checks are {state}")
    return shown


def test_a_card_is_checked_as_it_would_be_merged_and_by_nothing_of_its_own(house: House) -> None:
    checked(house, "checked", script=SEES)
    board = house.board
    secret = house.server.client.put(
        "/api/repos/checked/secrets/TOKEN", json={"value": "s3cret-of-the-repository"}
    )
    assert secret.is_success
    command = (
        'printf \'[[checks]]\\nname = "mine"\\nrun = "true"\\n\' > .lazyaf/config.toml\n'
        "echo 1 > work.txt; printf 'left-by-the-agent\\nprepared\\n' > .gitignore\n"
        "touch left-by-the-agent ~/left-by-the-agent"
    )
    card = house.script("checked", "Work", command)
    board.command(card, "start")
    board.wait_for(card, "in_review")
    shown = wait_for_checks(house, card, "passed")
    [run] = board.get(f"/api/cards/{card}/checks")["items"]
    assert [(r["name"], r["outcome"], r["exit_code"]) for r in run["results"]] == [
        ("tests", "passed", 0)
    ]
    said = [entry["text"] for entry in board.log(run["job_id"])]
    assert "ci=true secret=there key=none" in said
    assert KEY not in "\n".join(said)
    job = board.get(f"/api/jobs/{run['job_id']}")
    assert (job["kind"], job["status"], job["stop_reason"]) == ("check", "completed", "finished")
    assert shown["job_id"] != run["job_id"]
    assert "passed (1 check)" in house.cli("card", "show", "checked", "1")
    assert board.approve(card)["status"] == "done"
    left = until(
        lambda: (
            not [
                p
                for p in below(house.server.data_dir / "work")
                if "check-" in p.name and p.suffix != ".lock"
            ]
        ),
        "nothing is left of the run",
    )
    assert left


def test_a_failure_goes_back_to_the_agent_and_comes_back_mended(house: House) -> None:
    checked(house, "mended", rounds=1)
    board = house.board
    card = house.script(
        "mended", "Break", "if [ -e broken ]; then rm broken; else touch broken; fi"
    )
    board.command(card, "start")
    board.wait_for(card, "in_review")
    until(lambda: len(board.get(f"/api/cards/{card}/jobs")["items"]) >= 4, "both were run twice")
    shown = wait_for_checks(house, card, "passed")
    assert shown["status"] == "in_review"
    jobs = board.get(f"/api/cards/{card}/jobs")["items"]
    assert sorted(job["kind"] for job in jobs) == ["agent", "agent", "check", "check"]
    [asked] = [job["request"]["message"] for job in jobs if job["request"].get("message")]
    assert "“tests” (sh check.sh) exited with code 1" in asked


def test_two_that_pass_alone_and_not_together_are_not_both_merged(house: House) -> None:
    """The second was green on its own branch, and is on the old base; the queue finds out."""
    script = 'n=$(ls | grep -c "^half-"); [ "$n" -lt 2 ]\n'
    checkout = checked(house, "together", script=script)
    board = house.board
    cards = [house.script("together", f"Half {n}", f"touch half-{n}") for n in range(2)]
    for card in cards:
        board.command(card, "start")
    for card in cards:
        board.wait_for(card, "in_review")
        wait_for_checks(house, card, "passed")
    first = board.approve(cards[0])
    assert first["status"] == "done"
    second = board.approve(cards[1])
    assert second["merge_state"]["state"] == "checking"
    bounced = board.explained(
        cards[1],
        lambda: (found := board.card(cards[1]))["merge_state"]["state"] == "bounced" and found,
        "it is bounced",
    )
    assert (bounced["status"], bounced["merge_state"]["reason"]) == ("in_review", "checks_failed")
    internal = house.internal("together")
    assert "half-1" not in git(internal, "ls-tree", "--name-only", "main").split()
    assert "not merged: It did not pass: tests." in house.cli("card", "show", "together", "2")
    assert checkout.is_dir()


def test_a_server_that_dies_goes_on_with_checks_and_queue(build: Callable[..., House]) -> None:
    house = build(runners=1).start()
    script = 'touch "$HOME/../started" 2>/dev/null; sleep 2; test ! -e broken\n'
    checked(house, "dies", script=script)
    board = house.board
    card = house.script("dies", "Work", "echo 1 > work.txt")
    board.command(card, "start")
    board.wait_for(card, "in_review")
    wait_for_checks(house, card, "running")
    assert board.approve(card)["merge_state"]["state"] == "checking"
    house.server.kill()
    house.start()
    board.wait_for(card, "done", of="in_review")
    assert "work.txt" in git(house.internal("dies"), "ls-tree", "--name-only", "main").split()


def test_a_runner_that_dies_costs_only_time(build: Callable[..., House]) -> None:
    house = build(runners=1).start()
    checked(house, "killed", script="sleep 2; test ! -e broken\n")
    board = house.board
    card = house.script("killed", "Work", "echo 1 > work.txt")
    board.command(card, "start")
    board.wait_for(card, "in_review")
    wait_for_checks(house, card, "running")
    [pid] = house.server.runner_pids()
    os.kill(pid, signal.SIGKILL)
    wait_for_checks(house, card, "passed")
    assert board.approve(card)["status"] == "done"


def test_a_check_that_hangs_is_ended_and_said(house: House) -> None:
    checked(house, "hangs", script="echo waiting; trap '' TERM; sleep 600\n", timeout="2s")
    board = house.board
    card = house.script("hangs", "Work", "echo 1 > work.txt")
    board.command(card, "start")
    board.wait_for(card, "in_review")
    wait_for_checks(house, card, "failed")
    [run] = board.get(f"/api/cards/{card}/checks")["items"]
    [result] = run["results"]
    assert (result["outcome"], result["exit_code"]) == ("timed_out", None)
    assert result["last_lines"] == "waiting"


def test_checks_can_be_stopped_by_a_person(house: House) -> None:
    checked(house, "stopped", script="sleep 600\n")
    board = house.board
    card = house.script("stopped", "Work", "echo 1 > work.txt")
    board.command(card, "start")
    board.wait_for(card, "in_review")
    shown = wait_for_checks(house, card, "running")
    board.post(f"/api/jobs/{shown['checks']['job_id']}/cancel")
    wait_for_checks(house, card, "cancelled")
    assert board.card(card)["status"] == "in_review"


def test_ten_cards_of_which_most_have_nothing_to_do_with_each_other(house: House) -> None:
    """Six are independent, two pass alone and not together, two touch the same file."""
    script = 'n=$(ls | grep -c "^half-"); [ "$n" -lt 2 ]\n'
    checked(house, "ten", script=script)
    board = house.board
    commands = [f"echo {n} > own-{n}.txt" for n in range(6)]
    commands += [f"touch half-{n}" for n in range(2)] + [f"echo {n} > shared.txt" for n in range(2)]
    cards = [house.script("ten", command, command) for command in commands]
    for card in cards:
        board.command(card, "start")
    for card in cards:
        board.wait_for(card, "in_review")
        wait_for_checks(house, card, "passed")
    for card in cards:
        board.approve(card)

    def settled() -> list[dict[str, Any]]:
        found = [board.card(card) for card in cards]
        waiting = [
            card
            for card in found
            if card["status"] != "done"
            and (card["merge_state"] is None or card["merge_state"]["state"] != "bounced")
        ]
        return [] if waiting else found

    shown = until(settled, "every card is merged or bounced", seconds=120)
    assert [card["status"] for card in shown[:6]] == ["done"] * 6
    for pair, reason in ((shown[6:8], "checks_failed"), (shown[8:], "merge_conflict")):
        assert sorted(card["status"] for card in pair) == ["done", "in_review"]
        [bounced] = [card["merge_state"] for card in pair if card["status"] == "in_review"]
        assert bounced["reason"] == reason
    assert bounced["files"] == ["shared.txt"]
    files = git(house.internal("ten"), "ls-tree", "--name-only", "main").split()
    assert sum(name.startswith("half-") for name in files) == 1  # it passes
    assert {f"own-{n}.txt" for n in range(6)} < set(files)
    tried = {
        run["job_id"]: {card["number"], *run["together"]}
        for card in shown
        for run in board.get(f"/api/cards/{card['id']}/checks")["items"]
        if run["together"] and run["state"] == "passed"
    }
    assert tried
    number = str(next(iter(tried.values())).pop())
    assert "(together with #" in house.cli("card", "checks", "ten", number)
