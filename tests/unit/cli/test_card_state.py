"""What a list of cards says of one that waits."""

from __future__ import annotations

from typing import Any

import pytest

from lazyaf.cli.card.show import HELD, _state
from lazyaf.domain.queue import HeldBy


def in_progress(**live: Any) -> dict[str, Any]:
    known = {"job_status": "queued", "phase": "queued", "agent": "claude"}
    card = {"status": "in_progress", "stopping": False, "archived_at": None}
    return {**card, "live": {**known, **live}}


@pytest.mark.parametrize(
    ("place", "held_by", "said"),
    [
        (1, None, "in progress (queued, number 1)"),
        (12, None, "in progress (queued, number 12)"),
        (2, "paused", "in progress (queued, number 2: jobs are paused)"),
        (1, "no_runner", "in progress (queued, number 1: no runner for claude)"),
        (3, "agent_limit", "in progress (queued, number 3: claude is at its limit)"),
    ],
)
def test_a_queued_card_says_its_place_and_what_holds_it(
    place: int, held_by: str | None, said: str
) -> None:
    assert _state(in_progress(queue_position=place, held_by=held_by)) == said


def test_a_running_card_says_its_phase() -> None:
    live = {"job_status": "running", "phase": "setup", "queue_position": None, "held_by": None}
    assert _state(in_progress(**live)) == "in progress (setup)"
    assert _state({**in_progress(**live), "stopping": True}) == "in progress (stopping)"


def test_there_are_words_for_everything_that_holds_a_card() -> None:
    assert HELD.keys() == set(HeldBy)
