"""Speaking to an agent at work, from a terminal, through whatever dies meanwhile."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from acceptance.house import House
from lazyaf.protocol.entries import UNHEARD

WORDS = "and mind the tests"


@pytest.mark.claude
@pytest.mark.parametrize("tree", [False, True], ids=["the server", "the whole tree"])
def test_a_message_is_heard_once_although_it_was_killed(
    build: Callable[..., House], tree: bool
) -> None:
    house = build(runners=1).start()
    house.repository("shop")
    gate, title = f"messages-{tree}", f"Listen {tree}"
    card = house.claude("shop", title, scenario="slow", gate=gate)
    house.board.command(card, "start")
    house.model.wait_until_waiting(gate)
    house.cli("card", "say", "shop", "1", WORDS)
    house.board.wait_for_output(card, WORDS)
    house.server.kill(tree=tree)
    house.start()
    house.model.release(gate)

    house.board.wait_for(card, "in_review")
    log = house.board.log(house.board.job(card)["id"])
    assert [e["text"] for e in log if e["kind"] == "user"].count(WORDS) == 1
    assert house.asked(title)[-1].said.count(WORDS) == 1
    assert UNHEARD not in [e["text"] for e in log]
    assert WORDS in house.cli("card", "log", "shop", "1")


@pytest.mark.claude
def test_an_interrupted_agent_goes_on_when_it_is_told_to(house: House) -> None:
    house.repository("interrupted")
    gate, title = "interrupted", "Think twice"
    card = house.claude("interrupted", title, scenario="slow", gate=gate)
    house.board.command(card, "start")
    house.model.wait_until_waiting(gate)
    house.cli("card", "interrupt", "interrupted", "1")
    house.board.wait_for_output(card, "The agent waits for a message")
    assert house.board.card(card)["status"] == "in_progress"
    house.model.release(gate)
    house.cli("card", "say", "interrupted", "1", WORDS)

    house.board.wait_for(card, "in_review")
    assert WORDS in house.asked(title)[-1].said
    assert "Interrupted by a person." in house.board.output(card)
