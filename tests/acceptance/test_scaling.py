"""The pool of local runners is made smaller: who leaves, and what becomes of the jobs."""

from __future__ import annotations

from collections.abc import Callable

from acceptance.house import House
from support.waiting import until


def at_work(house: House, title: str) -> tuple[str, str]:
    """A card whose job runs until `finish`, and the runner that has it."""
    name = title.lower()
    command = f"touch {name}; until [ -e go ]; do sleep 0.1; done; rm go {name}"
    card = house.script("shop", title, command)
    house.board.command(card, "start")
    house.board.explained(card, lambda: house.tree_of(name), "the agent is at work")
    return card, house.board.job(card)["runner_name"]


def finish(house: House, card: str) -> None:
    """Let the job of a card end."""
    (house.tree_of(house.board.card(card)["title"].lower()) / "go").touch()
    house.board.wait_for(card, "in_review")


def shrink(house: House, count: int, *, now: bool = False) -> None:
    """`lazyaf scale`."""
    house.board.post("/api/runners/scale", {"count": count, "now": now})


def runners(house: House) -> dict[str, str]:
    """The status of each, by name."""
    return {each["name"]: each["status"] for each in house.board.get("/api/runners")["items"]}


def test_those_that_have_nothing_to_do_leave_first_and_then_the_highest_numbers(
    build: Callable[..., House],
) -> None:
    house = build(runners=3).start()
    house.repository("shop")
    until(lambda: len(runners(house)) == 3, "all runners are there")
    card_of = {runner: card for card, runner in (at_work(house, t) for t in ("A", "B", "C"))}
    assert card_of.keys() == {"local-1", "local-2", "local-3"}
    finish(house, card_of["local-1"])
    finish(house, card_of["local-2"])

    shrink(house, 2)
    until(lambda: runners(house) == {"local-1": "idle", "local-3": "busy"}, "local-2 has left")
    shrink(house, 1)
    until(lambda: runners(house) == {"local-3": "busy"}, "local-1 has left")
    shrink(house, 0)
    assert runners(house) == {"local-3": "draining"}
    finish(house, card_of["local-3"])
    until(lambda: not runners(house), "nobody is left")
    assert house.board.job(card_of["local-3"])["attempt"] == 1


def test_one_that_was_to_finish_its_job_gives_it_back_when_nobody_waits_any_more(
    build: Callable[..., House],
) -> None:
    house = build(runners=1).start()
    house.repository("shop")
    card, runner = at_work(house, "A")
    shrink(house, 0)
    assert runners(house) == {runner: "draining"}
    assert house.board.job(card)["status"] == "running"
    shrink(house, 0, now=True)
    until(lambda: house.board.job(card)["status"] == "queued", "the job was given back")
    until(lambda: not runners(house), "nobody is left")
