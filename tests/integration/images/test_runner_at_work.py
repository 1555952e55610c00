"""A runner in its image, started as a person starts one, with no rights at all: it works for a real server,
with the real Claude Code against the scripted model.
"""

from __future__ import annotations

import contextlib
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from acceptance.house import KEY, House, environment
from fakes.model_server import ModelServer
from support.engine import Engine
from support.server import ServerProcess
from support.waiting import until

HEARTBEAT_S = 1
CHECKED_OFTEN = (
    "--health-interval",
    "0.5s",
    "--health-start-period",
    "0s",
    "--health-retries",
    "2",
)
LOOK_FOR_THE_TOKEN = r"""
for pid in $(ls /proc | grep '^[0-9]*$'); do
  if cat "/proc/$pid/environ" 2>/dev/null | grep -q LAZYAF_RUNNER_TOKEN; then echo "open: $pid"; fi
done
env | grep -q LAZYAF_RUNNER_TOKEN && echo "open: my own"
cat /proc/1/environ > /dev/null 2>&1 || echo "the first is closed"
"""


@dataclass(frozen=True)
class Site:
    """A house, and a runner for it in a container."""

    house: House
    engine: Engine
    container: str

    def health(self) -> str:
        """What Docker thinks of the container."""
        found: str = self.engine.inspect(self.container)["State"]["Health"]["Status"]
        return found


@pytest.fixture(scope="module")
def site(
    docker_engine: Engine, runner_image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """A server without runners of its own, and one that a person has added. It shares the host's
    network, as the command for a server on loopback has it."""
    root = tmp_path_factory.mktemp("site")
    with docker_engine.used(), contextlib.ExitStack() as stack:
        model = stack.enter_context(ModelServer())
        env = environment(model, LAZYAF_HEARTBEAT=str(HEARTBEAT_S))
        server = stack.enter_context(ServerProcess(root / "data", env, "--pool", "none"))
        name = f"lazyaf-test-{uuid.uuid4().hex[:12]}"
        start(docker_engine, name, runner_image, server, model)
        stack.callback(docker_engine.docker, "rm", "--force", name)
        yield Site(House(server, model, root), docker_engine, name)


def start(engine: Engine, name: str, image: str, server: ServerProcess, model: ModelServer) -> None:
    """The very command that the server tells a person, with what a person puts into it."""
    token = server.client.post("/api/runners/tokens", json={"name": "box"}).json()["token"]
    told: str = server.client.get("/api/runners/command").json()["docker"]
    ours = f"--detach --name {name} --env ANTHROPIC_BASE_URL {' '.join(CHECKED_OFTEN)}"
    for placeholder, word in (
        ("<token>", token),
        ("<name>", "box"),
        ("<label>", "test"),
        ("docker run --rm", f"{engine.program} run {ours}"),
        (" lazyaf-runner ", f" {image} "),
    ):
        assert placeholder in told
        told = told.replace(placeholder, word)
    keys = {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": model.url("edit-and-commit")}
    subprocess.run(["bash", "-c", told], env={**engine.environ, **keys}, check=True)


def test_it_registers_as_a_container(site: Site) -> None:
    runners = until(lambda: site.house.board.get("/api/runners")["items"], "it registers")

    assert [runner["name"] for runner in runners] == ["box"]
    assert runners[0]["labels"] == ["test"]
    assert runners[0]["isolation"] == "container"
    assert runners[0]["container_id"] == site.engine.inspect(site.container)["Id"]
    claude = next(agent for agent in runners[0]["agents"] if agent["name"] == "claude")
    assert claude["available"]
    assert "Claude Code" in claude["version"]


def test_it_is_healthy_while_the_server_counts_it(site: Site) -> None:
    until(lambda: site.health() == "healthy", "it is healthy")


def test_a_script_works_a_card(site: Site) -> None:
    site.house.repository("scripted")
    card = site.house.script("scripted", "Say who it is", "id -u > who.txt; git --version")
    site.house.board.command(card, "start")

    site.house.board.wait_for(card, "in_review")
    assert site.house.board.changes(card) == {"who.txt": ["+10001"]}


def test_an_agent_finds_no_token(site: Site) -> None:
    """Neither its own nor any other process has it where the agent can read it."""
    site.house.repository("curious")
    card = site.house.script("curious", "Look around", LOOK_FOR_THE_TOKEN)
    site.house.board.command(card, "start")

    site.house.board.wait_for(card, "in_review")
    said = site.house.board.output(card)
    assert "the first is closed" in said
    assert [line for line in said if line.startswith("open")] == []


def test_claude_code_works_a_card(site: Site) -> None:
    site.house.repository("claude")
    card = site.house.claude("claude", "Write a file", file="made.txt", content="Hello\n")
    site.house.board.command(card, "start")

    site.house.board.wait_for(card, "in_review")
    assert site.house.board.changes(card) == {"made.txt": ["+Hello (edited)"]}


def test_without_the_server_it_is_not_healthy_and_with_it_again_it_is(site: Site) -> None:
    until(lambda: site.health() == "healthy", "it is healthy")
    site.house.server.stop()
    until(lambda: site.health() == "unhealthy", "it is unhealthy")

    site.house.server.start()
    until(lambda: site.health() == "healthy", "it is healthy again")


def test_it_leaves_when_told_to(site: Site) -> None:
    site.engine.docker("stop", "--time", "60", site.container, seconds=50)

    assert site.engine.inspect(site.container)["State"]["ExitCode"] == 0
    logs = site.engine.try_docker("logs", site.container)
    assert "runner.registered" in logs.stdout + logs.stderr
