"""``docker compose up``, with Docker's socket and without: the whole loop on one machine."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from acceptance.house import FILES, KEY, description
from fakes.model_server import ModelServer
from support.compose import Composed
from support.engine import Engine
from support.history import make_repository

PASSWORD = "a long enough password"
REACH = """
reach() {{
  if timeout 3 bash -c "exec 3<>/dev/tcp/$2/$3" 2>/dev/null; then echo "$1: open"; else echo "$1: closed"; fi
}}
here=$(hostname -I | cut -d' ' -f1)
reach server server 8765 &
reach gateway "${{here%.*}}.1" {port} &
reach host {host} {port} &
reach metadata 169.254.169.254 80 &
reach outside 203.0.113.9 80 &
{{ timeout 3 getent hosts name.example > /dev/null && echo "names: open" || echo "names: closed"; }} &
wait
"""


@pytest.fixture
def every_image(images: dict[str, str], server_image: str) -> dict[str, str]:
    """By the names that the compose files have."""
    return {
        "server": server_image,
        "runner": images["LAZYAF_RUNNER_IMAGE"],
        "egress": images["LAZYAF_EGRESS_IMAGE"],
    }


def ingest(site: Composed, root: Path, name: str) -> None:
    """Bring a repository, as a person does."""
    checkout = make_repository(root / name, commits=2, files=FILES)
    subprocess.run(
        [sys.executable, "-m", "lazyaf", "ingest", str(checkout), "--name", name],
        env={"PATH": "/usr/bin:/bin", "LAZYAF_SERVER": site.url, "LAZYAF_TOKEN": site.token},
        check=True,
        capture_output=True,
    )


@pytest.fixture
def listener(bridge: str) -> Iterator[int]:
    """A port of this machine that takes every connection, as a database of its would."""
    with socket.create_server(("0.0.0.0", 0), backlog=16) as server:
        thread = threading.Thread(target=_accept, args=[server], daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def _accept(server: socket.socket) -> None:
    try:
        while True:
            server.accept()[0].close()
    except OSError:
        return


def test_with_the_socket_the_server_starts_a_container_for_each_job(
    engine: Engine, every_image: dict[str, str], tmp_path: Path
) -> None:
    path = Path(engine.host.removeprefix("unix://"))
    env = {"DOCKER_SOCKET": str(path), "DOCKER_GID": str(path.stat().st_gid), "LAZYAF_RUNNERS": "1"}
    with Composed(engine, "compose.yaml", every_image, tmp_path, **env) as site:
        site.run("up", "--detach")
        site.wait_until_it_answers()
        (runner,) = site.wait_for_runners(1)
        assert runner["isolation"] == "container"
        (pool,) = site.board.get("/api/runners")["pools"]
        assert pool["available"], pool["reason"]

        ingest(site, tmp_path, "composed")
        card = site.board.add(
            "composed", "Say who", agent="script", agent_options={"command": "id -u > who.txt"}
        )
        site.board.command(card, "start")
        site.board.wait_for(card, "in_review")
        assert site.board.changes(card) == {"who.txt": ["+10001"]}
        label = f"label=lazyaf.server={pool['server_id']}"
        assert engine.docker("ps", "--quiet", "--filter", label) != ""

        site.run("stop")  # the server takes along what it started
        assert engine.docker("ps", "--all", "--quiet", "--filter", label) == ""
        assert engine.docker("network", "ls", "--quiet", "--filter", label) == ""


def test_without_the_socket_compose_starts_the_runners(
    engine: Engine,
    every_image: dict[str, str],
    model: ModelServer,
    bridge: str,
    listener: int,
    tmp_path: Path,
) -> None:
    origin = model.origin.removeprefix("http://")
    env = {"LAZYAF_ALLOW": origin, "ANTHROPIC_BASE_URL": model.url("edit-and-commit")}
    with Composed(engine, "compose.runners.yaml", every_image, tmp_path, **env) as site:
        site.env["ANTHROPIC_API_KEY"] = KEY
        site.run(
            *("run", "--rm", "-T", "server", "lazyaf", "password", "set", "--stdin"),
            stdin=f"{PASSWORD}\n",
        )
        site.run("up", "--detach", "server", "egress")
        site.wait_until_it_answers()
        made = site.board.post("/api/runners/tokens", {"name": "composed"})
        site.env["LAZYAF_RUNNER_TOKEN"] = made["token"]
        site.run("up", "--detach", "--scale", "runner=2")
        runners = site.wait_for_runners(2)
        assert [each["isolation"] for each in runners] == ["container", "container"]

        ingest(site, tmp_path, "composed")
        look = REACH.format(host=bridge, port=listener)
        script = site.board.add(
            "composed", "Look around", agent="script", agent_options={"command": look}
        )
        claude = site.board.add(
            "composed", "Write", agent="claude", description=description({"file": "made.txt"})
        )
        for card in (script, claude):
            site.board.command(card, "start")
        site.board.wait_for(script, "in_review")
        said = {line for line in site.board.output(script) if line.endswith((": open", ": closed"))}
        closed = {"gateway", "host", "metadata", "outside", "names"}
        assert said == {"server: open", *(f"{place}: closed" for place in closed)}
        site.board.wait_for(claude, "in_review")
        assert "made.txt" in site.board.changes(claude)
