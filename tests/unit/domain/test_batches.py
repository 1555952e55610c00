"""How many approved cards are tried together, and what a bad one costs."""

from __future__ import annotations

import pytest

from lazyaf.domain.batches import BATCH_MAX, batch_size


def test_all_that_can_be_are_tried_together_until_a_run_fails() -> None:
    assert batch_size(3, "abc", [], []) == 3
    assert batch_size(1, "abc", [], []) == 1


def test_half_of_those_that_failed_are_tried_next() -> None:
    assert batch_size(8, "abcdefgh", ["abcdefgh"], []) == 4
    assert batch_size(8, "abcdefgh", ["abcd", "abcdefgh"], []) == 2
    assert batch_size(3, "abc", ["abc"], []) == 1
    assert batch_size(2, "abcdefgh", ["abcdefgh"], []) == 2  # no more than can be


def test_when_one_half_has_passed_the_other_is_at_fault() -> None:
    assert batch_size(4, "efghij", ["abcdefgh"], "abcd") == 2
    assert batch_size(4, "hij", ["gh", "abcdefgh"], "abcdefg") == 1


def test_who_has_left_takes_the_suspicion_along() -> None:
    assert batch_size(8, "efghijkl", ["abcdefgh"], "bcd") == 8
    assert batch_size(2, "bc", ["ab"], []) == 2


@pytest.mark.parametrize("bad", "abcdefgh")
def test_a_bad_one_of_eight_costs_fewer_runs_than_one_for_each(bad: str) -> None:
    queue, merged, failed, runs = list("abcdefghij"), "", list[list[str]](), 0
    while queue:
        mine = [tried for tried in reversed(failed) if queue[0] in tried]
        size = batch_size(min(BATCH_MAX, len(queue)), queue[:BATCH_MAX], mine, merged)
        tried, runs = queue[:size], runs + 1
        if bad not in tried:
            merged += "".join(tried)
        elif size > 1:
            failed.append(tried)
            continue
        queue = queue[size:]
    assert merged == "abcdefghij".replace(bad, "")
    assert runs <= 6
