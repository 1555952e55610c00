"""`lazyaf doctor`: what is there, what is missing, and what to do."""

from __future__ import annotations

import os
from pathlib import Path

from support.commandline import Lazyaf
from support.server import ServerProcess

ESSENTIAL = {"Python", "git", "UI", "Data directory", "Free space"}


def test_a_running_server_is_asked_for_its_agents(lazyaf: Lazyaf, server: ServerProcess) -> None:
    result = lazyaf("doctor")
    assert f"✓ Server: {server.url}, version" in result.stdout
    assert "✓ git: 2." in result.stdout
    assert "Claude Code" in result.stdout


def test_without_a_server_it_looks_for_itself(lazyaf: Lazyaf) -> None:
    words = ("--server", "http://127.0.0.1:1")
    checks = {check["name"]: check for check in lazyaf.json("doctor", *words)["items"]}
    assert set(checks) >= ESSENTIAL | {"bubblewrap", "Server", "Claude Code"}
    assert checks["Server"]["verdict"] == "warning"
    assert "lazyaf serve" in checks["Server"]["fix"]


def test_a_token_that_is_not_taken_is_told(lazyaf: Lazyaf) -> None:
    checks = {c["name"]: c for c in lazyaf.json("doctor", LAZYAF_TOKEN="wrong")["items"]}
    assert "refuses us" in checks["Server"]["detail"]


def test_without_git_nothing_goes(lazyaf: Lazyaf, tmp_path: Path) -> None:
    result = lazyaf("doctor", PATH=str(tmp_path))
    assert result.exit_code == 1
    assert "✗ git: not installed" in result.stdout
    assert "Install git 2.38 or newer" in result.stdout


def test_an_old_git_cannot_merge(lazyaf: Lazyaf, tmp_path: Path) -> None:
    (tmp_path / "git").write_text("#!/bin/sh\necho git version 2.30.2\n")
    (tmp_path / "git").chmod(0o755)
    result = lazyaf("doctor", PATH=f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert result.exit_code == 1
    assert "too old" in result.stdout
