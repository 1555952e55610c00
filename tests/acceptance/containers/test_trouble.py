"""What goes wrong around containers: memory, the engine, images, many jobs at once."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from acceptance.containers.conftest import Launch
from acceptance.containers.fleet import READY_S, UNTIL_GO, Fleet
from support.engine import Engine
from support.tools import untestable
from support.waiting import until


def test_an_agent_that_takes_too_much_memory_fails_for_that_and_its_work_stays(
    launch: Launch,
) -> None:
    fleet = launch(runners=1, LAZYAF_RUNNER_MEMORY_MB="256")
    fleet.repository("shop")
    card = fleet.script("shop", "Eat", "echo kept > kept.txt; tail /dev/zero")
    fleet.board.command(card, "start")
    failed = fleet.board.wait_for(card, "failed")
    assert failed["failure"]["reason"] == "out_of_memory"
    assert "memory" in failed["failure"]["hint"]
    assert list(fleet.board.changes(card)) == ["kept.txt"]


def test_a_container_that_dies_of_its_limit_ends_its_job_for_that(
    launch: Launch, engine: Engine
) -> None:
    if engine.own is None:
        untestable("whom the kernel kills can be said by root alone")
    # Nobody but the engine can tell of the death, and why.
    fleet = launch(runners=1, LAZYAF_RUNNER_MEMORY_MB="256", LAZYAF_LEASE="3600")
    fleet.repository("shop")
    card = fleet.script("shop", "Eat", UNTIL_GO + "tail /dev/zero")
    fleet.board.command(card, "start")
    for attempt in (1, 2):
        _, container = fleet.at_work(card)
        assert fleet.board.job(card)["attempt"] == attempt
        offer_runner(fleet, container)
        fleet.go(container)
        until(lambda dead=container: dead not in fleet.containers(), "the container has died")
    failed = fleet.board.wait_for(card, "failed")
    assert failed["failure"]["reason"] == "out_of_memory"
    assert failed["failure"]["hint"]


def offer_runner(fleet: Fleet, container: str) -> None:
    """Let the kernel take the runner first, as it may when that has grown more than its agent."""
    for line in fleet.engine.docker("top", container, "-eo", "pid,args").splitlines()[1:]:
        pid, _, args = line.strip().partition(" ")
        is_runners = "--token-stdin" in args
        with suppress(ProcessLookupError, FileNotFoundError):  # a sleep that is over
            Path("/proc", pid, "oom_score_adj").write_text("1000" if is_runners else "0")


def test_a_full_disk_fails_the_job_and_not_the_runner(launch: Launch) -> None:
    fleet = launch(runners=1, LAZYAF_RUNNER_DISK_MB="64")
    fleet.repository("shop")
    fill = "cat /dev/zero > big; ls -l big | grep -q . && rm big && echo after > after.txt"
    card = fleet.script("shop", "Fill", fill)
    fleet.board.command(card, "start")
    fleet.board.wait_for(card, "in_review")
    assert "No space left on device" in "\n".join(fleet.board.output(card))
    assert list(fleet.board.changes(card)) == ["after.txt"]


def test_twenty_jobs_over_four_slots_and_none_is_lost(launch: Launch) -> None:
    fleet = launch(runners=4)
    fleet.repository("shop")
    cards = [fleet.script("shop", f"Card {n}", f"echo {n} > {n}.txt") for n in range(20)]
    for card in cards:
        fleet.board.command(card, "start")
    for number, card in enumerate(cards):
        fleet.board.wait_for(card, "in_review")
        assert list(fleet.board.changes(card)) == [f"{number}.txt"]
        assert fleet.board.job(card)["attempt"] == 1


def test_a_missing_image_is_told_and_the_pool_heals_once_it_is_there(
    launch: Launch, engine: Engine, images: dict[str, str]
) -> None:
    absent = "lazyaf-test-late:none"
    fleet = launch(runners=1, LAZYAF_RUNNER_IMAGE=absent)
    until(lambda: absent in (fleet.pool()["reason"] or ""), "the missing image is told")
    assert not fleet.pool()["available"]
    assert "make image" in fleet.pool()["fix"]
    told = fleet.try_cli("runners").stdout
    assert "make image" in told

    engine.docker("tag", images["LAZYAF_RUNNER_IMAGE"], absent)
    try:
        fleet.wait_for_idle(1)
        assert fleet.pool()["reason"] is None
    finally:
        fleet.end()
        engine.docker("rmi", absent)


def test_an_engine_that_restarts_costs_no_attempt(docker_engine: Engine, launch_at: Launch) -> None:
    with docker_engine.alone() as daemon:
        fleet = launch_at(runners=1, LAZYAF_CHECKPOINT="1")
        fleet.repository("shop")
        card = fleet.script("shop", "Work", "test -e there && exit; echo 1 > there; " + UNTIL_GO)
        fleet.board.command(card, "start")
        fleet.at_work(card)
        until(lambda: fleet.board.job(card)["head_sha"], "there is a checkpoint")

        daemon.kill()
        until(lambda: not fleet.pool()["available"], "the engine's absence is told")
        assert "systemctl start docker" in fleet.pool()["fix"]
        daemon.start()
        until(lambda: fleet.pool()["available"], "the pool works again", seconds=READY_S)
        fleet.board.wait_for(card, "in_review")
        assert "there" in fleet.board.changes(card)
        assert fleet.board.job(card)["attempt"] == 2
        fleet.end()


def test_from_none_to_eight(launch: Launch) -> None:
    fleet = launch(runners=0)
    until(lambda: fleet.pool()["available"], "the pool works")
    fleet.cli("scale", "8")
    fleet.wait_for_idle(8)
    assert len(fleet.containers()) == 8
    fleet.server.kill()
    fleet.start()
    until(lambda: fleet.pool()["target"] == 8, "the count survives a restart")
