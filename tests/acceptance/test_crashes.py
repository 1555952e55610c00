"""kill -9: of the server, and of the whole process tree. Whatever was running or queued finishes, and
the log of a job that outlived its server has every entry exactly once."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable

import pytest

from acceptance.counting import (
    TICKS,
    grown,
    last_tick,
    let_go,
    one_running_two_queued,
    require_all_reviewable,
    ticks,
)
from acceptance.house import House
from support.history import git


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
