"""A pool of containers on the board: the limits that a person chooses, and a card whose image is on its way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from acceptance.containers.fleet import READY_S, Fleet
from acceptance.house import environment
from e2e.pictures import shoot_everywhere
from fakes.model_server import ModelServer
from support.engine import Engine
from support.registry import slow_registry
from support.server import ServerProcess
from support.waiting import until

REPO = "storefront"


@pytest.fixture
def fleet(
    chromium: str,
    engine: Engine,
    runner_image: str,
    egress_image: str,
    model: ModelServer,
    tmp_path: Path,
) -> Iterator[Fleet]:
    """A server with one container that waits."""
    images = {"LAZYAF_RUNNER_IMAGE": runner_image, "LAZYAF_EGRESS_IMAGE": egress_image}
    known = {**environment(model), **images, "LAZYAF_DOCKER_HOST": engine.host}
    server = ServerProcess(tmp_path / "data", known, "--pool", "docker", "--runners", "1")
    fleet = Fleet(server, model, tmp_path, engine)
    try:
        fleet.start()
        fleet.repository(REPO)
        fleet.wait_for_idle(1)
        yield fleet
    finally:
        fleet.end()


def open_board(fleet: Fleet, page: Page) -> None:
    assert fleet.server.link is not None
    page.goto(fleet.server.link.replace("/#", f"/r/{REPO}#"))


def test_a_person_chooses_the_limits_of_containers(fleet: Fleet, page: Page) -> None:
    open_board(fleet, page)
    page.get_by_role("button", name="0 of 1 runner busy").click()
    panel = page.get_by_role("dialog", name="Runners")
    expect(panel.get_by_text("docker-1")).to_be_visible()
    panel.get_by_role("button", name="Limits").click()
    memory = panel.get_by_label("Memory (MB)")
    expect(memory).to_be_visible()
    shoot_everywhere(page, "limits", memory)

    panel.get_by_label("Processors").fill("1000")
    panel.get_by_role("button", name="Save").click()
    expect(panel.get_by_text("The engine's machine has")).to_be_visible()
    shoot_everywhere(page, "limits-refused", memory)
    panel.get_by_label("Processors").fill("")
    memory.fill("700")
    panel.get_by_role("button", name="Save").click()
    expect(memory).to_be_hidden()
    assert fleet.pool()["containers"]["memory_mb"] == 700
    (container,) = until(lambda: _of_memory(fleet, 700), "it is replaced", seconds=READY_S)
    assert container


def _of_memory(fleet: Fleet, megabytes: int) -> list[str]:
    found = [
        (each, fleet.engine.try_docker("inspect", "-f", "{{.HostConfig.Memory}}", each))
        for each in fleet.containers()
    ]
    return [each for each, told in found if told.stdout.strip() == f"{megabytes}000000"]


def test_a_card_says_that_its_image_is_on_its_way(fleet: Fleet, page: Page) -> None:
    with slow_registry() as registry:
        settings = {"image": f"{registry.host}/team/app:1"}
        fleet.board.patch(f"/api/repos/{REPO}", {"settings": settings})
        card = fleet.script(REPO, "Build with the team's compiler", "true")
        open_board(fleet, page)
        fleet.board.command(card, "start")
        tile = page.locator("li", has_text="Build with the team's compiler")
        expect(tile).to_contain_text("Its image is being prepared")
        shoot_everywhere(page, "image-prepared", tile)
        registry.answers.set()
        expect(tile).not_to_contain_text("Its image is being prepared")
        fleet.board.wait_for(card, "failed")


def test_a_host_that_was_blocked_is_allowed_from_the_card(fleet: Fleet, page: Page) -> None:
    fetch = "python3 -c \"import urllib.request as u; u.urlopen('http://{}/')\" 2>/dev/null"
    hosts = ["registry.example:8080", "metrics.example:80"]
    command = "; ".join([*map(fetch.format, [*hosts, hosts[0]]), "echo 1 > one.txt"])
    card = fleet.script(REPO, "Install what the shop needs", command)
    fleet.board.command(card, "start")
    fleet.board.wait_for(card, "in_review")
    open_board(fleet, page)
    page.get_by_role("link", name="Install what the shop needs").click()
    blocked = page.get_by_role("region", name="Blocked hosts")
    expect(blocked).to_contain_text("registry.example:8080, 2 times")
    shoot_everywhere(page, "blocked", blocked)

    blocked.get_by_role("button", name="Allow registry.example:8080").click()
    question = page.get_by_role("dialog", name="Allow registry.example:8080?")
    expect(question).to_contain_text(f"whatever runs for {REPO}")
    shoot_everywhere(page, "blocked-allow", question)
    question.get_by_role("button", name="Allow", exact=True).click()
    expect(blocked).to_contain_text("allowed now")
    settings = fleet.board.get(f"/api/repos/{REPO}")["settings"]
    assert settings["allowed_hosts"] == ["registry.example:8080"]
    expect(blocked.get_by_role("button", name="Allow metrics.example:80")).to_be_visible()
