"""No two in one round are about the same, and nobody is served before whoever asked earlier."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from lazyaf.services.in_rounds import in_rounds


@pytest.mark.parametrize(
    ("asks", "rounds"),
    [
        ([], []),
        (["a", "b", "c"], [["a", "b", "c"]]),
        (["a", "b", "a", "c"], [["a", "b"], ["a", "c"]]),
        (["a", "a", "a"], [["a"], ["a"], ["a"]]),
        (["ab", "bc", "c", "a"], [["ab"], ["bc"], ["c", "a"]]),
    ],
)
def test_who_asks_about_the_same_as_another_begins_a_new_round(
    asks: list[str], rounds: list[list[str]]
) -> None:
    served: list[list[str]] = []

    def serve(here: Sequence[str]) -> list[str]:
        served.append(list(here))
        return [f"{ask}!" for ask in here]

    assert in_rounds(asks, set, serve) == [f"{ask}!" for ask in asks]
    assert served == rounds
