"""What moved while no server ran is known soon after the next one has begun."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from acceptance.house import House
from support.history import git, tip
from support.waiting import until

REPO: Final = "away"


def commit_on_main(store: Path, text: str) -> None:
    """Put another text into ``hot`` behind the server's back."""
    was = git(store, "rev-parse", "main:hot")
    blob = git(store, "hash-object", "-w", "--stdin", stdin=text.encode())
    listed = git(store, "ls-tree", "main").replace(was, blob)
    tree = git(store, "mktree", stdin=f"{listed}\n".encode())
    commit = git(store, "commit-tree", tree, "-p", tip(store, "main"), "-m", "Away")
    git(store, "update-ref", "refs/heads/main", commit)


def test_a_restart_looks_at_what_moved_meanwhile(build: Callable[..., House]) -> None:
    house = build().start()
    board = house.board
    house.repository(REPO, files={"hot": "0\n"})
    cards = [
        house.script(REPO, name, f"echo {name} > {file}")
        for name, file in (("one", "hot"), ("two", "hot"), ("three", "cold"))
    ]
    for card in cards:
        board.command(card, "start")
        board.wait_for(card, "in_review")
    until(lambda: board.card(cards[0])["live"]["conflicts_with"] == [2], "they are compared")

    store = house.internal(REPO)
    house.server.kill()
    commit_on_main(store, "main\n")
    house.start()

    until(lambda: [board.card(c)["live"]["behind"] for c in cards] == [1, 1, 1], "all are behind")
    assert [board.card(card)["live"]["mergeable"] for card in cards] == [False, False, True]
