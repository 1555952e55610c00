"""Jobs in the image that their repository names: the runner goes into it, and says what it lacks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from acceptance.containers.conftest import Launch
from acceptance.containers.fleet import UNTIL_GO, Fleet
from support.engine import Engine
from support.images import base_image
from support.registry import slow_registry
from support.waiting import until

OWN = f"lazyaf-test-own:{os.getpid()}"
"""Each process its own: who ends first removes it."""
BUILD = """\
FROM {base}
RUN apt-get update && apt-get install -y -qq --no-install-recommends git && echo ours > /etc/app
ENV APP_HOME=/app
VOLUME /var/lib/app
"""
LOOK = (
    "cat /etc/app > seen.txt; echo $APP_HOME >> seen.txt; id -u >> seen.txt; "
    "touch /opt/lazyaf/x 2>/dev/null || echo read-only >> seen.txt; "
    "df /var/lib/app | grep -c tmpfs >> seen.txt"
)


@pytest.fixture(scope="module")
def own_image(docker_engine: Engine) -> Iterator[str]:
    """An image that is not built on ours, with git."""
    with docker_engine.used():
        recipe = BUILD.format(base=base_image(docker_engine).tag)
        docker_engine.docker("build", "-t", OWN, "-", stdin=recipe.encode(), seconds=600)
        yield OWN
        docker_engine.try_docker("rmi", "--force", OWN)


def name_image(fleet: Fleet, repo: str, image: str | None) -> None:
    fleet.board.patch(f"/api/repos/{repo}", {"settings": {"image": image}})


def volumes(fleet: Fleet) -> list[str]:
    words = ["--filter", f"label=lazyaf.server={fleet.id}"]
    return fleet.engine.docker("volume", "ls", "-q", *words).split()


def test_a_job_runs_in_its_repositorys_image_and_others_in_the_pools_own(
    launch: Launch, own_image: str
) -> None:
    fleet = launch(runners=1)
    fleet.wait_for_idle(1)
    config = f'[sandbox]\nimage = "{own_image}"\n'
    fleet.repository("shop", files={".lazyaf/config.toml": config})
    fleet.repository("plain")
    own = fleet.script("shop", "Look", UNTIL_GO + LOOK)
    usual = fleet.script("plain", "Look", "cat /etc/app || echo usual > seen.txt")
    fleet.board.command(own, "start")

    name, container = fleet.at_work(own)
    fleet.board.command(usual, "start")
    assert fleet.engine.inspect(container)["Config"]["Image"] == own_image
    [runner] = [each for each in fleet.runners() if each["name"] == name]
    assert runner["image"] == own_image
    assert fleet.containers() == [container], "there are more containers than were asked for"
    assert fleet.board.job(usual)["status"] == "queued"
    assert len(volumes(fleet)) == 1
    fleet.go(container)
    fleet.board.wait_for(own, "in_review")
    added = [line[1:] for line in fleet.board.changes(own)["seen.txt"] if line.startswith("+")]
    assert added == ["ours", "/app", "10001", "read-only", "1"]
    assert fleet.board.job(own)["attempt"] == 1

    fleet.board.wait_for(usual, "in_review")
    assert list(fleet.board.changes(usual)) == ["seen.txt"]
    fleet.wait_for_idle(1)
    assert fleet.runners("idle")[0]["image"] is None
    assert fleet.server.stop() == 0
    assert volumes(fleet) == []


@pytest.mark.claude
def test_claude_works_in_an_image_that_knows_nothing_of_it(launch: Launch, own_image: str) -> None:
    fleet = launch(runners=1)
    fleet.repository("shop")
    name_image(fleet, "shop", own_image)
    card = fleet.claude("shop", "Fix it")
    fleet.board.command(card, "start")
    fleet.board.wait_for(card, "in_review")
    assert list(fleet.board.changes(card)) == ["card-1.txt"]
    assert fleet.asked("Fix it"), "the scripted model was not asked"


def test_what_is_wrong_with_an_image_is_said_on_the_card(
    launch: Launch, engine: Engine, own_image: str
) -> None:
    fleet = launch(runners=1)
    fleet.wait_for_idle(1)
    fleet.repository("shop")
    card = fleet.script("shop", "Look", "cp /etc/app app.txt")
    name_image(fleet, "shop", base_image(engine).tag)
    fleet.board.command(card, "start")
    failure = fleet.board.wait_for(card, "failed")["failure"]
    assert "It has no git." in failure["detail"]
    assert failure["reason"] == "setup_failed"

    absent = "lazyaf-test-absent:none"
    name_image(fleet, "shop", absent)
    fleet.board.command(card, "retry")
    failure = fleet.board.wait_for(card, "failed")["failure"]
    assert absent in failure["detail"]
    assert "could not pull it" in failure["detail"]
    fleet.wait_for_idle(1)
    assert fleet.pool()["available"], "one repository's image is no trouble of the pool's"

    engine.docker("tag", own_image, absent)
    try:
        fleet.board.command(card, "retry")
        fleet.board.wait_for(card, "in_review")
    finally:
        engine.docker("rmi", absent)
    assert list(fleet.board.changes(card)) == ["app.txt"]


def test_a_card_says_that_its_image_is_being_pulled(launch: Launch) -> None:
    fleet = launch(runners=1)
    fleet.wait_for_idle(1)
    fleet.repository("shop")
    fleet.repository("plain")
    card = fleet.script("shop", "Wait", "true")
    with slow_registry() as registry:
        name_image(fleet, "shop", f"{registry.host}/slow:1")
        fleet.board.command(card, "start")
        until(lambda: live(fleet, card)["held_by"] == "image", "the card says what it waits for")
        assert "its image is being prepared" in fleet.cli("card", "show", "shop", "1")
        usual = fleet.script("plain", "Go", "echo 1 > 1.txt")
        fleet.board.command(usual, "start")
        fleet.board.wait_for(usual, "in_review")

        registry.answers.set()
        failure = fleet.board.wait_for(card, "failed")["failure"]
    assert "could not pull it" in failure["detail"]


def live(fleet: Fleet, card: str) -> dict[str, Any]:
    found: dict[str, Any] = fleet.board.get(f"/api/cards/{card}")["live"]
    return found


def test_a_job_in_an_own_image_is_adopted_by_the_next_server(
    launch: Launch, own_image: str
) -> None:
    fleet = launch(runners=1)
    fleet.repository("shop")
    name_image(fleet, "shop", own_image)
    card = fleet.script("shop", "Work", UNTIL_GO + "echo done > done.txt")
    fleet.board.command(card, "start")
    _, container = fleet.at_work(card)
    fleet.server.kill()
    fleet.start()
    until(lambda: fleet.pool()["available"], "the pool works again")
    assert fleet.containers() == [container]
    fleet.go(container)
    fleet.board.wait_for(card, "in_review")
    assert fleet.board.job(card)["attempt"] == 1
