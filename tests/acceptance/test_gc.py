"""Cleaning up again and again beside jobs that begin, run and end: no job notices."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from acceptance.house import House
from acceptance.test_restore import beside

CARDS = 6


@pytest.mark.timeout(300)
def test_jobs_begin_and_end_while_it_cleans_up(build: Callable[..., House]) -> None:
    house = build(runners=2, LAZYAF_CHECKPOINT="0.2").start()
    house.repository("shop")
    board = house.board
    cards = [
        house.script("shop", f"Card {n}", f"echo {n} > {n}.txt; sleep 0.4; echo more >> {n}.txt")
        for n in range(CARDS)
    ]

    def collect() -> None:
        board.post("/api/gc", {"dry_run": False})

    with beside(collect):
        for round_ in range(2):
            for card in cards:
                if round_:
                    board.command(card, "request-changes", {"message": "again", "comments": []})
                else:
                    board.command(card, "start")
            for card in cards:
                board.wait_for(card, "in_review")
    for number, card in enumerate(cards):
        changes = board.changes(card)
        assert list(changes) == [f"{number}.txt"]
        assert board.job(card)["attempt"] == 1, "an attempt was lost"
    for card in cards[:2]:
        board.approve(card)
    assert json.loads(house.cli("gc", "--json"))["items"] == []


@pytest.mark.timeout(300)
def test_what_a_deleted_card_left_goes_with_its_home(build: Callable[..., House]) -> None:
    house = build(runners=1).start()
    house.repository("shop")
    board = house.board
    kept = house.script("shop", "Keep me", "echo k > k.txt; echo x > ~/cache")
    gone = house.script("shop", "Delete me", "echo g > g.txt; echo x > ~/cache")
    for card in (kept, gone):
        board.command(card, "start")
        board.wait_for(card, "in_review")
    branch = board.card(gone)["branch_name"]
    assert house.server.client.delete(f"/api/cards/{gone}").status_code == 204
    (found,) = json.loads(house.cli("gc", "--json", "--dry-run"))["items"][:1]
    homes = house.server.data_dir / "work" / "homes"
    assert found["place"] == str(homes / gone)
    house.cli("gc")
    assert sorted(p.name for p in homes.iterdir() if p.is_dir()) == [kept]
    branches = [b["name"] for b in board.get("/api/repos/shop/branches")["items"]]
    assert branch in branches, "the work stays"
