"""The server's image serves API and UI with no rights at all, and leaves when it is told to."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import httpx2
import pytest

from support.engine import Engine
from support.proxy import free_port
from support.waiting import until

NO_RIGHTS = (
    *("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
    *("--tmpfs", "/tmp"),
)


@pytest.fixture
def server(engine: Engine, server_image: str) -> Iterator[tuple[str, str]]:
    """Its name and its URL, on this machine's loopback."""
    name, port = f"lazyaf-test-{uuid.uuid4().hex[:12]}", free_port()
    url = f"http://127.0.0.1:{port}"
    words = ("--network", "host", "--health-interval", "0.5s")
    words += ("--env", f"LAZYAF_PORT={port}", "--env", f"LAZYAF_SERVER={url}")
    engine.docker("run", "--detach", "--name", name, *NO_RIGHTS, *words, server_image)
    yield name, url
    engine.docker("rm", "--force", "--volumes", name)


def test_it_serves_and_leaves(engine: Engine, server: tuple[str, str]) -> None:
    name, url = server
    until(lambda: engine.inspect(name)["State"]["Health"]["Status"] == "healthy", "it is healthy")

    assert "<!doctype html>" in httpx2.get(url, trust_env=False).text.lower()
    token = engine.docker("exec", name, "cat", "/data/token").strip()
    headers = {"Authorization": f"Bearer {token}"}
    assert httpx2.get(f"{url}/api/repos", headers=headers, trust_env=False).json()["items"] == []
    assert engine.docker("exec", name, "id", "-u") == "10001\n"
    assert engine.docker("exec", name, "lazyaf", "open", "--print").startswith("http")

    engine.docker("stop", "--time", "60", name, seconds=50)
    assert engine.inspect(name)["State"]["ExitCode"] == 0


def test_it_holds_no_agent(engine: Engine, server_image: str) -> None:
    """Agents beside the data directory, as the same user, could read it."""
    words = ("sh", "-c", "command -v claude bwrap; find / -name claude -type f 2>/dev/null; :")

    assert engine.docker("run", "--rm", server_image, *words) == ""
