"""A followed log outlives the server that it comes from."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.commandline import Git, Lazyaf
from support.server import ServerProcess


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[ServerProcess]:
    """A server of this test's own, to be killed; its agents can see the test's files."""
    settings = {"LAZYAF_ISOLATION": "none"}
    with ServerProcess(tmp_path / "data", settings, "--runners", "1") as running:
        yield running


def test_a_log_is_followed_through_a_crash_of_the_server(
    own_server: ServerProcess, lazyaf: Lazyaf, checkout: Git, name: str, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    script = f"echo before; until [ -e {go} ]; do sleep 0.05; done; echo after"
    own = Lazyaf({**lazyaf.env, **own_server.environ()})
    assert own("ingest", checkout.path).exit_code == 0
    assert own("card", "add", name, "-t", "T", "--command", script, "--start").exit_code == 0
    with subprocess.Popen(
        [sys.executable, "-m", "lazyaf", "card", "log", name, "1", "--follow"],
        env={**os.environ, **own.env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as following:
        assert following.stdout is not None
        seen = []
        while "before\n" not in seen:
            seen.append(following.stdout.readline())
        own_server.kill()
        own_server.start()
        go.touch()
        rest, complaints = following.communicate(timeout=120)
    assert following.returncode == 0, complaints
    told = "".join(seen) + rest
    assert told.count("before\n") == 1
    assert told.count("after\n") == 1
    assert "The job is completed" in told
