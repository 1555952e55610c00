"""Which containers a pool is to have."""

from __future__ import annotations

from lazyaf.domain.containers import WARM, Kind
from lazyaf.pools.docker.planning import plan

APP, OTHER, LARGE = Kind("app"), Kind("other"), Kind(cache="large")
TWO = {"one": WARM, "two": WARM}


def test_warm_ones_where_no_repository_names_an_image() -> None:
    found = plan(3, [], [], {"one": WARM}, [WARM])
    assert (found.surplus, found.missing) == (frozenset(), [WARM])


def test_a_warm_one_makes_room_for_a_job_with_an_image() -> None:
    found = plan(2, [APP], [], TWO, [])
    assert len(found.surplus) == 1
    assert found.missing == [APP]
    after = plan(2, [APP], [], {"one": WARM}, [APP])
    assert (after.surplus, after.missing) == (frozenset(), [])


def test_jobs_have_their_places_in_the_order_of_their_turn() -> None:
    found = plan(3, [WARM, APP, WARM, OTHER], ["one"], {"one": APP}, [])
    assert found.missing == [APP, WARM]


def test_nobody_is_interrupted() -> None:
    found = plan(2, [APP], ["one", "two"], TWO, [])
    assert (found.surplus, found.missing) == (frozenset(), [])


def test_another_cache_is_another_kind() -> None:
    found = plan(2, [LARGE, APP], [], {"one": LARGE, "two": Kind("app", "large")}, [])
    assert (found.surplus, found.missing) == (frozenset({"two"}), [APP])


def test_one_whose_job_is_gone_makes_room_again() -> None:
    found = plan(2, [], [], {"one": WARM, "cold": APP}, [])
    assert (found.surplus, found.missing) == (frozenset({"cold"}), [WARM])


def test_births_are_never_more_than_there_are_places() -> None:
    found = plan(1, [APP], [], {}, [WARM])
    assert found.missing == []
    assert plan(0, [APP], [], {}, []).missing == []
