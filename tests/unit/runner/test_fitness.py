"""Whether a runner can work in the image around it. Real images are tried in tests/acceptance/containers."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from lazyaf.runner.fitness import agents, problems

SHELL = Path(shutil.which("sh") or "/bin/sh")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A directory of programs with a shell in it."""
    (tmp_path / "sh").symlink_to(SHELL)
    return tmp_path


def program(path: Path, name: str, script: str) -> None:
    file = path / name
    file.write_text(f"#!{SHELL}\n{script}\n")
    file.chmod(0o755)


def test_this_machine_is_fit() -> None:
    assert problems({"PATH": os.environ["PATH"]}) == []


def test_an_image_without_git_and_shell(tmp_path: Path) -> None:
    assert problems({"PATH": str(tmp_path)}) == ["It has no shell (`sh`).", "It has no git."]


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo git version 2.30.2", "Its git is 2.30; 2.38 or newer is needed."),
        ("echo lost; exit 1", "Its git does not work: lost"),
        ("echo git version 2.38.0", None),
        ("echo git version 3.1", None),
    ],
)
def test_the_version_of_git(path: Path, script: str, said: str | None) -> None:
    program(path, "git", f'test $1 = --exec-path && echo "{path}" && exit\n{script}')
    program(path, "git-remote-http", "")
    assert problems({"PATH": str(path)}) == ([said] if said else [])


def test_a_git_without_http(path: Path) -> None:
    program(path, "git", f'test $1 = --exec-path && echo "{path}" || echo git version 2.50.1')
    (said,) = problems({"PATH": str(path)})
    assert "git-remote-http" in said


def test_an_agent_that_does_not_run_says_so_itself(path: Path) -> None:
    program(path, "claude", "echo version GLIBC_9.9 not found >&2; exit 1")
    found = agents({"PATH": str(path)}, ["ANTHROPIC_API_KEY"])
    assert found["script"] is None
    assert "version GLIBC_9.9 not found" in (found["claude"] or "")


def test_an_agent_of_another_c_library(path: Path) -> None:
    file = path / "claude"
    file.write_text("#!/lib/no-such-loader.so\n")
    file.chmod(0o755)
    found = agents({"PATH": str(path)}, ["ANTHROPIC_API_KEY"])
    assert "What loads it" in (found["claude"] or "")


def test_a_key_that_comes_with_the_job_counts(path: Path) -> None:
    program(path, "claude", "echo '2.0.0 (Claude Code)'")
    assert agents({"PATH": str(path)}, ["ANTHROPIC_API_KEY"])["claude"] is None
    assert "key" in (agents({"PATH": str(path)}, [])["claude"] or "")
