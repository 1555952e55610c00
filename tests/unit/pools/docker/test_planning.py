"""Which containers a pool is to have."""

from __future__ import annotations

from lazyaf.pools.docker.planning import plan

WARM = {"one": None, "two": None}


def test_warm_ones_where_no_repository_names_an_image() -> None:
    found = plan(3, [], [], {"one": None}, [None])
    assert (found.surplus, found.missing) == (frozenset(), [None])


def test_a_warm_one_makes_room_for_a_job_with_an_image() -> None:
    found = plan(2, ["app"], [], WARM, [])
    assert len(found.surplus) == 1
    assert found.missing == ["app"]
    after = plan(2, ["app"], [], {"one": None}, ["app"])
    assert (after.surplus, after.missing) == (frozenset(), [])


def test_jobs_have_their_places_in_the_order_of_their_turn() -> None:
    found = plan(3, [None, "app", None, "other"], ["one"], {"one": "app"}, [])
    assert sorted(map(str, found.missing)) == ["None", "app"]


def test_nobody_is_interrupted() -> None:
    found = plan(2, ["app"], ["one", "two"], WARM, [])
    assert (found.surplus, found.missing) == (frozenset(), [])


def test_one_whose_job_is_gone_makes_room_again() -> None:
    found = plan(2, [], [], {"one": None, "cold": "app"}, [])
    assert (found.surplus, found.missing) == (frozenset({"cold"}), [None])


def test_births_are_never_more_than_there_are_places() -> None:
    found = plan(1, ["app"], [], {}, [None])
    assert found.missing == []
    assert plan(0, ["app"], [], {}, []).missing == []
