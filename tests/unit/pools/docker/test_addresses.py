from __future__ import annotations

import pytest

from lazyaf.domain.errors import Unavailable
from lazyaf.pools.docker.addresses import free_subnet, places


def test_everyone_has_a_place_of_their_own() -> None:
    where = places("198.18.0.16/28")
    assert (where.gateway, where.relay) == ("198.18.0.17", "198.18.0.18")
    assert (where.egress, where.runner) == ("198.18.0.19", "198.18.0.20")


@pytest.mark.parametrize(
    ("taken", "free"),
    [
        ([], "198.18.0.0/28"),
        (["198.18.0.0/28"], "198.18.0.16/28"),
        (["198.18.0.0/24", "172.17.0.0/16", "fd00::/64"], "198.18.1.0/28"),
        (["198.18.0.16/28"], "198.18.0.0/28"),
    ],
)
def test_the_first_piece_is_taken_that_touches_nobody(taken: list[str], free: str) -> None:
    assert free_subnet("198.18.0.0/15", taken) == free


def test_a_full_range_says_what_to_do() -> None:
    with pytest.raises(Unavailable, match="LAZYAF_RUNNER_SUBNETS"):
        free_subnet("198.18.0.0/28", ["198.18.0.0/16"])
