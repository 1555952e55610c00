"""`lazyaf demo`: on a running server, and as `make demo` plays it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from support.commandline import Lazyaf
from support.server import ServerProcess
from support.waiting import until

SERVED = re.compile(r"A server of its own is on (\S+)")


def played(folder: Path, **env: str) -> subprocess.Popen[str]:
    """`lazyaf demo --run` with a temporary directory of ours."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("LAZYAF_")}
    return subprocess.Popen(
        [sys.executable, "-m", "lazyaf", "demo", "--run"],
        env={**inherited, "TMPDIR": str(folder), **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def leftovers(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def test_shows_a_running_server_at_work(working: Lazyaf, working_server: ServerProcess) -> None:
    made = working.json("demo")
    again = working("demo")
    assert f"{working_server.url}/r/demo-2/c/" in again.stdout
    card = working.json("card", "show", made["repo_name"], made["card_number"])
    assert card["agent"] == "script"
    number = made["card_number"]
    assert working("card", "log", made["repo_name"], number, "-f").exit_code == 0
    assert working.json("card", "show", made["repo_name"], number)["status"] == "in_review"


def test_needs_a_server_unless_it_brings_one(lazyaf: Lazyaf) -> None:
    assert lazyaf("demo", "--server", "http://127.0.0.1:1").exit_code == 3


def test_plays_the_whole_loop_and_leaves_nothing(tmp_path: Path) -> None:
    with played(tmp_path) as child:
        stdout, stderr = child.communicate(timeout=150)
    assert child.returncode == 0, stderr
    merged = re.search(r"merged as ([0-9a-f]{40})", stdout)
    assert merged is not None
    assert f"*   {merged[1][:7]} Merge card #" in stdout
    assert "+import sys" in stdout
    assert "── working" in stdout
    assert leftovers(tmp_path) == []


def test_interrupted_it_takes_its_server_along(tmp_path: Path) -> None:
    with played(tmp_path) as child:
        assert child.stdout is not None
        line = child.stdout.readline()
        assert SERVED.match(line)
        child.send_signal(signal.SIGTERM)
        child.communicate(timeout=60)
    assert child.returncode == 128 + signal.SIGTERM
    until(lambda: not leftovers(tmp_path), "the temporary directory is gone")


def test_a_server_that_cannot_start_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "git").write_text("#!/bin/sh\nexit 9\n")
    (tmp_path / "git").chmod(0o755)
    folder = tmp_path / "folder"
    folder.mkdir()
    with played(folder, PATH=f"{tmp_path}{os.pathsep}{os.environ['PATH']}") as child:
        _, stderr = child.communicate(timeout=150)
    assert child.returncode == 1
    assert stderr.startswith("Error: ")
    assert leftovers(folder) == []
