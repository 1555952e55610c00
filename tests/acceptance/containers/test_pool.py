"""Runners in containers: a job's way, and what happens when things are killed."""

from __future__ import annotations

import json

from acceptance.containers.conftest import Launch
from acceptance.containers.fleet import UNTIL_GO, Fleet
from lazyaf.pools.docker.ahead import CELLS
from support.waiting import until

POOL = "/api/runners/pools/docker"


def test_a_card_goes_to_review_in_a_fresh_container(launch: Launch) -> None:
    fleet = launch(runners=2)
    fleet.wait_for_idle(2)
    before = set(fleet.containers())
    fleet.repository("shop")
    card = fleet.script("shop", "Write", "hostname > host.txt")
    fleet.board.command(card, "start")

    fleet.board.wait_for(card, "in_review")
    assert list(fleet.board.changes(card)) == ["host.txt"]
    until(lambda: len(before & set(fleet.containers())) == 1, "the used container is gone")
    fleet.wait_for_idle(2)
    assert len(fleet.containers()) == 2
    runner = fleet.runners("idle")[0]
    assert (runner["isolation"], runner["pool"]) == ("container", "docker")


def test_a_killed_container_costs_what_came_after_its_checkpoint(launch: Launch) -> None:
    # A lease that nobody here lives to see the end of: only the engine can tell of the death.
    fleet = launch(runners=2, LAZYAF_CHECKPOINT="1", LAZYAF_LEASE="3600")
    fleet.repository("shop")
    wait = "test -e kept.txt && exit; echo kept > kept.txt; " + UNTIL_GO
    card = fleet.script("shop", "Work", wait)
    fleet.board.command(card, "start")
    runner, container = fleet.at_work(card)
    until(lambda: fleet.board.job(card)["head_sha"], "there is a checkpoint")

    fleet.engine.docker("kill", "--signal", "KILL", container)
    until(lambda: fleet.board.job(card)["attempt"] == 2, "another runner has the job")
    fleet.board.wait_for(card, "in_review")
    log = fleet.board.log(fleet.board.job(card)["id"])
    assert any(f"The runner {runner} " in entry.get("text", "") for entry in log)
    assert "kept.txt" in fleet.board.changes(card)


def test_a_killed_server_finds_its_containers_at_work(launch: Launch) -> None:
    fleet = launch(runners=2)
    fleet.repository("shop")
    card = fleet.script("shop", "Work", UNTIL_GO + "echo done > done.txt")
    fleet.board.command(card, "start")
    _, container = fleet.at_work(card)
    before = set(fleet.containers())
    fleet.server.kill()
    fleet.start()

    until(lambda: fleet.pool()["available"], "the pool works again")
    assert set(fleet.containers()) == before, "what lived was not adopted"
    fleet.go(container)
    fleet.board.wait_for(card, "in_review")
    assert fleet.board.job(card)["attempt"] == 1
    fleet.wait_for_idle(2)


def test_fewer_runners_never_end_a_job_unless_told_so(launch: Launch) -> None:
    fleet = launch(runners=2)
    fleet.repository("shop")
    card = fleet.script("shop", "Work", "test -e there || " + UNTIL_GO + "echo 1 > there")
    fleet.board.command(card, "start")
    busy, container = fleet.at_work(card)

    fleet.board.post("/api/runners/scale", {"pool": "docker", "count": 0})
    until(lambda: fleet.containers() == [container], "the idle one has left")
    assert [runner["name"] for runner in fleet.runners("draining")] == [busy]
    fleet.board.post("/api/runners/scale", {"pool": "docker", "count": 1})
    assert fleet.board.job(card)["status"] == "running"
    fleet.board.post("/api/runners/scale", {"pool": "docker", "count": 0, "now": True})
    until(lambda: fleet.board.job(card)["status"] == "queued", "the job was given back")
    until(lambda: not fleet.containers(), "nothing runs")
    fleet.board.post("/api/runners/scale", {"pool": "docker", "count": 1})
    _, container = fleet.at_work(card)
    fleet.go(container)
    fleet.board.wait_for(card, "in_review")


def test_a_server_that_leaves_takes_everything_along(launch: Launch) -> None:
    fleet = launch(runners=2)
    fleet.wait_for_idle(2)
    until(lambda: len(fleet.networks()) == 1 + CELLS, "networks are made before they are needed")
    assert fleet.server.stop() == 0
    assert fleet.containers(running=False) == []
    assert fleet.containers("relay") == fleet.containers("egress") == []
    assert fleet.networks() == []


def test_chosen_limits_count_for_containers_made_from_then_on_and_survive(launch: Launch) -> None:
    fleet = launch(runners=2)
    fleet.repository("shop")
    card = fleet.script("shop", "Work", UNTIL_GO + "echo done > done.txt")
    fleet.board.command(card, "start")
    _, container = fleet.at_work(card)
    fleet.wait_for_idle(1)
    before = set(fleet.containers())

    for name, value in (("cpus", 1000), ("memory_mb", 15_000_000), ("image", "lazyaf-no:such")):
        refused = fleet.server.client.patch(POOL, json={name: value})
        assert (refused.status_code, list(refused.json()["fields"])) == (422, [name])
    assert set(fleet.containers()) == before
    chosen = {"memory_mb": 700, "cpus": 0.5, "pids": 200}
    fleet.board.patch(POOL, chosen)
    until(lambda: limits(fleet, fleet.containers(), container) == [(700, 0.5, 200)], "replaced")
    assert container in fleet.containers(), "a busy one was ended"
    fleet.go(container)
    fleet.board.wait_for(card, "in_review")
    until(lambda: limits(fleet, fleet.containers()) == 2 * [(700, 0.5, 200)], "both are new")

    fleet.server.stop()
    fleet.start()
    until(lambda: limits(fleet, fleet.containers()) == 2 * [(700, 0.5, 200)], "as they were")
    assert fleet.pool()["containers"]["memory_mb"] == 700


def limits(fleet: Fleet, containers: list[str], *but: str) -> list[tuple[int, float, int]]:
    """Megabytes, processors and processes of each container."""
    found = []
    for each in set(containers) - set(but):
        told = fleet.engine.try_docker("inspect", "--format", "{{json .HostConfig}}", each)
        if told.returncode == 0:  # or it is gone meanwhile
            host = json.loads(told.stdout)
            cpus = host["NanoCpus"] / 1e9
            found.append((host["Memory"] // 1_000_000, cpus, int(host["PidsLimit"])))
    return found
