"""A card that counts aloud, so that a gap or an echo in its log shows; and two that wait behind it."""

from __future__ import annotations

import re
from pathlib import Path

from acceptance.house import House
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
