"""A backup is made while jobs run, people push and upkeep tidies; the machine is lost; elsewhere a server
goes on from the backup as if nothing had been."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from acceptance.house import House, environment
from acceptance.test_upkeep import backdate
from support.board import Board
from support.history import commit_files, git, tip
from support.server import ServerProcess
from support.waiting import until

SAVING = (
    "rm -f go; echo saved > saved.txt; git add saved.txt; git commit -qm saved; "
    "echo unsaved > draft.txt; touch counting; n=0; "
    "until [ -e go ]; do n=$((n+1)); echo tick $n; sleep 0.05; done; rm -f go counting; "
    "cat draft.txt; echo work > work.txt"
)
"""Commits, leaves something uncommitted, and goes on until a file ``go`` comes from outside."""


@contextlib.contextmanager
def beside(work: Callable[[], None]) -> Iterator[None]:
    """Do this again and again while the block lasts; it must never fail."""
    ends = threading.Event()

    def run() -> None:
        while not ends.is_set():
            work()

    with ThreadPoolExecutor(1) as thread:
        working = thread.submit(run)
        try:
            yield
        finally:
            ends.set()
        working.result()


def pushing(house: House, checkout: Path, repo: str) -> Callable[[], None]:
    """A person who pushes: forward, new branches, forced ones, deleted ones."""
    url = f"{house.server.url.replace('://', f'://lazyaf:{house.server.token}@')}/git"
    remote = f"{url}/{house.board.get(f'/api/repos/{repo}')['id']}.git"
    count = iter(range(1_000_000))

    def push() -> None:
        number = next(count)
        commit_files(checkout, {"pushed.txt": f"{number}\n"}, f"Push {number}")
        git(checkout, "push", "-q", remote, "HEAD:refs/heads/side", f"HEAD:refs/heads/n{number}")
        git(checkout, "push", "-q", "-f", remote, f"HEAD~{number % 3}:refs/heads/forced")
        if number > 3:
            git(checkout, "push", "-q", remote, f":refs/heads/n{number - 3}")

    return push


def tidying(house: House, repo: str) -> Callable[[], None]:
    """Make the server see a repository that has changed and is idle, so that it repacks it."""
    path = house.internal(repo)
    ages = iter(range(120, 1_000_000))  # never the same time twice: that would be no change

    def touch() -> None:
        for number in range(60):
            (path / "refs" / "heads" / f"t{number}").write_text(f"{tip(path, 'main')}\n")
        backdate(path, next(ages))
        until(lambda: not (path / "refs" / "heads" / "t0").exists(), "its refs are packed")

    return touch


def is_saved(house: House, card: str) -> bool:
    """Whether a checkpoint with everything uncommitted is on the server."""
    internal, job = house.internal("shop"), house.board.job(card)["id"]
    ref = f"refs/lazyaf/jobs/{job}/1/checkpoint"
    with contextlib.suppress(AssertionError):
        return git(internal, "show", f"{ref}:draft.txt") == "unsaved"
    return False


@pytest.mark.timeout(400)
def test_a_server_goes_on_elsewhere_from_a_backup_made_in_full_use(
    build: Callable[..., House], tmp_path: Path
) -> None:
    house = build(runners=1, LAZYAF_UPKEEP="0.1", LAZYAF_CHECKPOINT="0.3").start()
    shop = house.repository("shop", commits=200)
    house.repository("attic", commits=200)
    board = house.board
    reviewed = house.script("shop", "Review me", "echo r > review.txt")
    approved = house.script("shop", "Approve me", "echo a > approve.txt")
    for card in (reviewed, approved):
        board.command(card, "start")
        board.wait_for(card, "in_review")
    board.approve(approved)
    running = house.script("shop", "Save me", SAVING)
    waiting = house.script("shop", "Wait", "echo w > wait.txt")
    board.command(running, "start")
    board.wait_for_output(running, "tick 3")
    board.command(waiting, "start")
    until(lambda: is_saved(house, running), "a checkpoint is on the server")

    backup = tmp_path / "backup"
    with beside(pushing(house, shop, "shop")), beside(tidying(house, "attic")):
        for number in range(3):
            house.cli("backup", f"{backup}-{number}")
    assert board.job(running)["status"] == "running"
    epoch = board.get("/api/health")["epoch"]
    ticks = [text for text in board.output(running) if text.startswith("tick")]
    house.server.kill(tree=True)

    data = tmp_path / "elsewhere" / "data"
    house.cli("restore", f"{backup}-2", "--data-dir", str(data))
    environ = environment(house.model, LAZYAF_CHECKPOINT="0.3")
    server = ServerProcess(data, environ, "--runners", "1")
    other = House(server, house.model, house.root)
    try:
        other.start()
        go_on(other, Board(server), (reviewed, approved, running, waiting), epoch, ticks)
    finally:
        other.end()


def counts_again(board: Board, card: str) -> bool:
    """Whether the second attempt has begun to count."""
    entries = board.log(board.job(card)["id"])
    return any(entry["attempt"] == 2 and entry["text"].startswith("tick") for entry in entries)


def go_on(house: House, board: Board, cards: tuple[str, ...], epoch: str, ticks: list[str]) -> None:
    """Everything is there, and what ran or waited comes to its end."""
    reviewed, approved, running, waiting = cards
    assert board.get("/api/health")["epoch"] != epoch, "an old cursor would be taken for a new one"
    assert board.card(approved)["status"] == "done"
    assert board.changes(reviewed) == {"review.txt": ["+r"]}
    for card in cards:
        board.diff(card)
    internal = house.internal("shop")
    git(internal, "fsck", "--connectivity-only", "--no-dangling")
    assert git(internal, "show", "main:approve.txt") == "a"

    board.explained(running, lambda: counts_again(board, running), "it runs again")
    tree = house.tree_of("counting")
    assert tree.is_relative_to(house.server.data_dir)
    (tree / "go").touch()
    board.wait_for(running, "in_review")
    assert board.changes(running) == {
        "draft.txt": ["+unsaved"],
        "saved.txt": ["+saved"],
        "work.txt": ["+work"],
    }
    entries = board.log(board.job(running)["id"])
    assert [entry["seq"] for entry in entries] == list(range(1, len(entries) + 1))
    before = [e["text"] for e in entries if e["attempt"] == 1 and e["text"].startswith("tick")]
    assert before == ticks[: len(before)] != []
    board.wait_for(waiting, "in_review")
    board.approve(running)
    assert git(internal, "show", "main:draft.txt") == "unsaved"
