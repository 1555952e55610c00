"""`lazyaf serve` as a process: it leaves in order with everyone it has started, and refuses to start
where it could do harm."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from acceptance.house import House
from support.history import git
from support.waiting import until

START_S = 40


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda n: n.name)
def test_an_idle_server_leaves_no_child(
    build: Callable[..., House], number: signal.Signals
) -> None:
    house = build().start()
    until(lambda: len(house.board.get("/api/runners")["items"]) == 2, "both runners are there")
    doomed = house.processes()
    assert len(doomed) >= 3
    os.kill(house.server.process.pid, number)

    house.wait_until_gone(doomed)
    assert house.server.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda n: n.name)
def test_a_busy_server_leaves_no_child_and_the_job_goes_on_later(
    build: Callable[..., House], number: signal.Signals
) -> None:
    house = build(runners=1).start()
    house.repository("shop")
    command = (
        "trap '' TERM; touch begun; [ -e half.txt ] && echo whole > whole.txt && rm begun && exit; "
        "echo half > half.txt; echo at work; sleep 1000"
    )
    card = house.script("shop", "Take long", command)
    house.board.command(card, "start")
    house.board.wait_for_output(card, "at work")
    doomed = house.processes()
    os.kill(house.server.process.pid, number)
    house.wait_until_gone(doomed)
    assert house.server.stop() == 0

    house.start()
    house.board.wait_for(card, "in_review")
    assert list(house.board.changes(card)) == ["half.txt", "whole.txt"]
    assert house.board.job(card)["stop_reason"] == "finished"
    assert git(house.internal("shop"), "fsck", "--no-dangling") == ""


@pytest.fixture
def hang_up() -> Iterator[Callable[[signal.Handlers], None]]:
    """Says what the servers that are started next do about a terminal that closes."""
    before = signal.getsignal(signal.SIGHUP)
    yield lambda handler: signal.signal(signal.SIGHUP, handler) and None
    signal.signal(signal.SIGHUP, before)


def test_a_terminal_that_closes_ends_the_server_with_a_checkpoint(
    build: Callable[..., House], hang_up: Callable[[signal.Handlers], None]
) -> None:
    hang_up(signal.SIG_DFL)
    house = build(runners=1).start()
    house.repository("shop")
    card = house.script("shop", "Take long", "echo half > half.txt; echo at work; sleep 1000")
    house.board.command(card, "start")
    house.board.wait_for_output(card, "at work")
    doomed, internal = house.processes(), house.internal("shop")
    for _ in range(2):  # the kernel's word and the shell's
        os.kill(house.server.process.pid, signal.SIGHUP)
    house.wait_until_gone(doomed)

    assert house.server.stop() == 0
    [saved] = git(
        internal, "for-each-ref", "--format=%(refname)", "refs/lazyaf/jobs/*/*/checkpoint"
    ).split()
    assert git(internal, "show", f"{saved}:half.txt") == "half"


def test_a_server_that_is_to_outlive_its_terminal_does(
    build: Callable[..., House], hang_up: Callable[[signal.Handlers], None]
) -> None:
    hang_up(signal.SIG_IGN)  # as nohup does
    house = build(runners=1).start()
    os.kill(house.server.process.pid, signal.SIGHUP)
    for pid in house.server.runner_pids():
        os.kill(pid, signal.SIGHUP)
    house.repository("shop")
    card = house.script("shop", "Go on", "echo x > x.txt")
    house.board.command(card, "start")

    house.board.wait_for(card, "in_review")


def test_a_draining_server_waits_for_what_runs_and_takes_nothing_new(
    build: Callable[..., House],
) -> None:
    house = build(runners=1, LAZYAF_DRAIN="true").start()
    house.repository("shop")
    command = "echo half > half.txt; echo at work; until test -e go; do sleep 0.1; done; rm go"
    running = house.script("shop", "Take long", command)
    waiting = house.script("shop", "Wait", "echo w > w.txt")
    house.board.command(running, "start")
    house.board.wait_for_output(running, "at work")
    house.board.command(waiting, "start")
    os.kill(house.server.process.pid, signal.SIGTERM)
    until(lambda: "draining" in house.server.log_path.read_text(), "it says that it waits")
    (next(house.server.data_dir.glob("work/trees/*/work")) / "go").touch()
    house.server.process.wait(START_S)
    assert house.server.stop() == 0

    house.start()
    assert house.board.card(running)["status"] == "in_review"
    assert house.board.job(running)["attempt"] == 1
    house.board.wait_for(waiting, "in_review")


def refused(house: House, *options: str) -> str:
    """What another ``lazyaf serve`` says when it will not start."""
    done = subprocess.run(
        [sys.executable, "-m", "lazyaf", "serve", "--pool", "none", *options],
        env=house.server.environ(),
        capture_output=True,
        text=True,
        timeout=START_S,
    )
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    return done.stderr.strip()


def test_a_second_server_on_the_same_data_is_refused(house: House) -> None:
    said = refused(house, "--port", "0")

    assert str(house.server.data_dir) in said
    assert said.startswith("Error: ")
    assert said.endswith(".")
    assert house.board.get("/api/health")["status"] == "ok"


def test_a_taken_port_is_refused(house: House) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = refused(house, "--port", str(port), "--data-dir", str(house.root / "second"))

    assert f"Port {port}" in said
    assert "--port" in said


def test_a_data_directory_that_cannot_be_written_is_refused(house: House) -> None:
    (house.root / "a-file").touch()
    said = refused(house, "--port", "0", "--data-dir", str(house.root / "a-file" / "data"))

    assert said.startswith("Error: LazyAF cannot write to its data directory")
    assert "--data-dir" in said


def test_a_host_beyond_loopback_is_refused(house: House) -> None:
    said = refused(house, "--host", "0.0.0.0", "--data-dir", str(house.root / "third"))

    assert "0.0.0.0" in said
    assert "password" in said
