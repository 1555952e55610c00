"""kill -9: of the server, and of the whole process tree. Whatever was running or queued finishes, and
the log of a job that outlived its server has every entry exactly once."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from acceptance.house import House
from support.history import git
from support.waiting import until

COUNTING = (
    "rm -f go; n=0; touch counting; "
    "until [ -e go ]; do n=$((n+1)); echo tick $n; sleep 0.05; done; "
    "echo counted $n; rm go counting; echo work > work.txt"
)
"""Counts aloud until a file ``go`` comes from outside, so that a gap or an echo in the log shows."""
TICKS = 20
"""How far a count must come before the server dies, or goes on after it has come back."""


def one_running_two_queued(house: House) -> list[str]:
    """A counting card and two behind it."""
    house.repository("shop")
    cards = [house.script("shop", "Count", COUNTING)]
    house.board.command(cards[0], "start")
    house.board.wait_for_output(cards[0], f"tick {TICKS}")
    for number in (2, 3):
        cards.append(house.script("shop", f"Card {number}", f"echo {number} > {number}.txt"))
        house.board.command(cards[-1], "start")
    states = [house.board.job(card)["status"] for card in cards]
    assert states == ["running", "queued", "queued"]
    return cards


def require_all_reviewable(house: House, cards: list[str]) -> None:
    """Every card came to review with exactly its own file."""
    for card, path in zip(cards, ["work.txt", "2.txt", "3.txt"], strict=True):
        house.board.wait_for(card, "in_review")
        assert list(house.board.changes(card)) == [path]


def ticks(house: House, card: str) -> dict[int, list[int]]:
    """The numbers that each attempt has counted, in the order of the log."""
    entries = house.board.log(house.board.job(card)["id"])
    assert [entry["seq"] for entry in entries] == list(range(1, len(entries) + 1))
    found: dict[int, list[int]] = {}
    for entry in entries:
        for number in re.findall(r"^tick (\d+)$", entry["text"], re.MULTILINE):
            found.setdefault(entry["attempt"], []).append(int(number))
    return found


def let_go(house: House) -> None:
    """End the count."""
    (house.tree_of("counting") / "go").touch()


def test_a_server_that_is_killed_costs_nothing(build: Callable[..., House]) -> None:
    house = build(runners=1).start()
    cards = one_running_two_queued(house)
    runner = house.server.runner_pids()
    house.server.kill()
    grown(house.tree_of("counting"), house)
    house.start()
    assert house.server.runner_pids() == runner, "the runner that lived was not adopted"
    house.board.wait_for_output(cards[0], f"tick {last_tick(house, cards[0]) + TICKS}")
    let_go(house)

    require_all_reviewable(house, cards)
    counted = ticks(house, cards[0])
    assert list(counted) == [1], "an attempt was spent"
    assert counted[1] == list(range(1, len(counted[1]) + 1))
    assert f"counted {len(counted[1])}" in "\n".join(house.board.output(cards[0]))


def last_tick(house: House, card: str) -> int:
    """How far the log has come."""
    return max(number for numbers in ticks(house, card).values() for number in numbers)


def grown(tree: Path, house: House) -> None:
    """Wait until the runner has written down more of the count while nobody listened."""
    outboxes = list(house.server.data_dir.glob("runners/*/outbox/*.jsonl"))
    assert outboxes, "there is no outbox"
    before = outboxes[0].stat().st_size
    until(lambda: outboxes[0].stat().st_size > before + 1000, "the outbox grows")
    assert tree.is_dir()


def test_a_server_and_its_runners_that_are_killed_lose_nothing(
    build: Callable[..., House],
) -> None:
    house = build(runners=1).start()
    cards = one_running_two_queued(house)
    doomed = house.processes()
    runners = house.server.runner_pids()
    house.server.kill()
    grown(house.tree_of("counting"), house)
    for pid in runners:
        os.kill(pid, signal.SIGKILL)
    house.wait_until_gone(doomed)
    spooled = spooled_tick(house)
    house.start()
    board = house.board
    board.explained(cards[0], lambda: len(counts(house, cards[0])) == 2, "it counts again")
    let_go(house)

    require_all_reviewable(house, cards)
    assert house.board.job(cards[0])["attempt"] == 1, "the machine's death cost an attempt"
    first, second = counts(house, cards[0])
    assert first == list(range(1, len(first) + 1))
    assert len(first) >= spooled, "what the runner had written down did not arrive"
    assert second == list(range(1, len(second) + 1))


def counts(house: House, card: str) -> list[list[int]]:
    """The counts of a card, a new one wherever it began anew."""
    found: list[list[int]] = []
    for number in (n for numbers in ticks(house, card).values() for n in numbers):
        if number == 1:
            found.append([])
        found[-1].append(number)
    return found


def spooled_tick(house: House) -> int:
    """How far the count had come in the runner's outbox."""
    (outbox,) = house.server.data_dir.glob("runners/*/outbox/*.jsonl")
    return max(int(n) for n in re.findall(r"tick (\d+)", outbox.read_text()))


@pytest.mark.claude
@pytest.mark.parametrize("tree", [False, True], ids=["the server", "the whole tree"])
def test_claude_finishes_although_the_server_was_killed(
    build: Callable[..., House], tree: bool
) -> None:
    house = build(runners=1).start()
    house.repository("shop")
    gate = f"crash-{tree}"
    title = f"Think long {tree}"
    card = house.claude("shop", title, scenario="slow", gate=gate, file="a.txt", content="a\n")
    other = house.script("shop", "Second", "echo 2 > 2.txt")
    house.board.command(card, "start")
    house.board.command(other, "start")
    house.model.wait_until_waiting(gate)
    house.server.kill(tree=tree)
    house.start()
    house.model.release(gate)

    house.board.wait_for(card, "in_review")
    house.board.wait_for(other, "in_review")
    internal = house.internal("shop")
    branch = house.board.card(card)["branch_name"]
    assert git(internal, "show", f"{branch}:a.txt").startswith("a (edited)")
    assert house.board.job(card)["attempt"] == 1
