"""Commands until they are dealt with."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from lazyaf.protocol.messages import Command
from lazyaf.runner.mailbox import Mailbox
from lazyaf.runner.state import State


def message(number: int) -> Command:
    return Command(id=number, type="message", text="Hello")


def test_what_waits_holds_back_what_came_after_it(tmp_path: Path) -> None:
    box = Mailbox(State(tmp_path))
    for number in (3, 5, 8):
        box.receive(message(number))
    box.done(5)
    assert (box.after, box.heard, box.changed.is_set()) == (8, 2, True)
    box.changed.clear()
    box.done(3)
    assert (box.heard, box.changed.is_set()) == (7, True)
    box.done(8)
    assert box.heard == 8


def test_the_next_process_begins_after_what_was_dealt_with(tmp_path: Path) -> None:
    box = Mailbox(State(tmp_path))
    for number in (1, 2):
        box.receive(message(number))
    box.done(1)
    again = Mailbox(State(tmp_path))
    assert (again.after, again.heard) == (1, 1)


@given(st.permutations(range(1, 9)))
def test_whatever_the_order_nothing_is_called_heard_that_is_not(order: list[int]) -> None:
    with TemporaryDirectory() as folder:
        box = Mailbox(State(Path(folder)))
        for number in range(1, 9):
            box.receive(message(number))
        for count, number in enumerate(order, 1):
            box.done(number)
            assert set(range(1, box.heard + 1)) <= set(order[:count])
        assert box.heard == 8
