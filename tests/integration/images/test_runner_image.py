"""The runner's image: what is in it, what is not, and that it needs no rights."""

from __future__ import annotations

import contextlib
import io
import re
import tarfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lazyaf import __version__
from support.engine import Engine
from support.images import base_image

ROOT = Path(__file__).parents[3]
NO_RIGHTS = (
    *("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
    *("--tmpfs", "/tmp", "--tmpfs", "/data:uid=10001,gid=10001,mode=0700"),
)
TOKEN = "lzr_the-token-of-a-runner"

Run = Callable[..., str]


@pytest.fixture
def run(engine: Engine, runner_image: str) -> Run:
    """Run a command in the image with neither rights nor a network; what it printed."""

    def run(*command: str) -> str:
        words = (*NO_RIGHTS, "--network", "none", runner_image, *command)
        return engine.docker("run", "--rm", *words)

    return run


def test_it_runs_with_no_rights_at_all(run: Run) -> None:
    assert run("id") == "uid=10001(lazyaf) gid=10001(lazyaf) groups=10001(lazyaf)\n"
    assert "Work jobs of a server on this machine." in run("lazyaf", "runner", "--help")
    assert run("lazyaf", "--version") == f"lazyaf, version {__version__}\n"
    assert run("git", "--version").startswith("git version 2.")


def test_claude_code_runs_and_its_version_is_written_down(run: Run) -> None:
    said = run("claude", "--version")

    assert re.fullmatch(r"[\d.]+ \(Claude Code\)\n", said)
    assert run("cat", "/usr/local/share/lazyaf/claude.version") == said


def test_its_user_can_change_nothing_of_it(engine: Engine, runner_image: str) -> None:
    """Not even where the root is not read-only."""
    words = ("sh", "-c", "find / -xdev -writable -not -type l 2>/dev/null; :")

    found = engine.docker("run", "--rm", runner_image, *words).split()

    assert set(found) - {"/data", "/tmp", "/var/tmp", "/run/lock"} == set()
    assert "/data" in found


def test_the_runner_is_compiled(run: Run) -> None:
    """Its root is read-only: what is not compiled now is compiled at every start."""
    sources = run("find", "/opt/lazyaf/python", "-name", "*.py").split()
    compiled = run("find", "/opt/lazyaf/python", "-name", "*.cpython-*.pyc").split()

    named = {
        re.sub(r"/__pycache__/([^/]+)\.cpython-\d+\.pyc$", r"/\1.py", path) for path in compiled
    }
    assert set(sources) - named == set()


@pytest.mark.parametrize("process", ["pid 1", "the health check"])
def test_the_token_in_the_environment_is_closed_to_the_agent(
    process: str, engine: Engine, runner_image: str
) -> None:
    """The agent is the same user as the runner, PID 1 and the health check."""
    with container(engine, runner_image, "sleep", "600") as name:
        if process == "pid 1":
            path = "/proc/1/environ"
        else:
            engine.docker(
                "exec", "--detach", name, "health", "-c", "echo $$ > /tmp/pid; read _ < /dev/zero"
            )
            engine.docker("exec", name, "sh", "-c", "until [ -s /tmp/pid ]; do :; done")
            path = f"/proc/{engine.docker('exec', name, 'cat', '/tmp/pid').strip()}/environ"

        read = engine.try_docker("exec", name, "sh", "-c", f"tr '\\0' '\\n' < {path}")

    assert read.returncode != 0
    assert "Permission denied" in read.stderr
    assert TOKEN not in read.stdout


@contextlib.contextmanager
def container(engine: Engine, image: str, *command: str) -> Iterator[str]:
    """A container that was given a token in its environment; its name."""
    name = f"lazyaf-test-{uuid.uuid4().hex[:12]}"
    words = (*NO_RIGHTS, "--network", "none", "--env", f"LAZYAF_RUNNER_TOKEN={TOKEN}")
    engine.docker("run", "--detach", "--name", name, *words, image, *command)
    try:
        yield name
    finally:
        engine.docker("rm", "--force", "--volumes", name)


def test_its_directory_runs_in_an_image_that_has_nothing(engine: Engine, runner_image: str) -> None:
    """So it runs in any image that a repository names: it brings its own Python and its own libc."""
    nothing = io.BytesIO()
    with tarfile.open(fileobj=nothing, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("empty"))
    name = f"lazyaf-test-{uuid.uuid4().hex[:12]}"
    engine.docker("import", "-", f"{name}:latest", stdin=nothing.getvalue())
    mount = f"{name}:/opt/lazyaf"
    try:
        engine.docker("rm", engine.docker("create", "--volume", mount, runner_image).strip())
        said = engine.docker(
            *("run", "--rm", "--user", "10001", "--read-only", "--network", "none"),
            *("--volume", f"{mount}:ro", "--entrypoint", "/opt/lazyaf/bin/tini", name),
            *("--", "/opt/lazyaf/bin/lazyaf", "--version"),
        )
    finally:
        engine.docker("volume", "rm", name)
        engine.docker("image", "rm", name)

    assert said == f"lazyaf, version {__version__}\n"


def test_agents_from_npm_come_with_their_node(engine: Engine) -> None:
    tag = f"lazyaf-test-agents:{uuid.uuid4().hex[:12]}"
    engine.docker(
        *(
            "build",
            "--quiet",
            "--file",
            str(ROOT / "images" / "runner.Dockerfile"),
            "--target",
            "agents",
        ),
        *(
            "--build-arg",
            f"BASE_IMAGE={base_image(engine).tag}",
            "--build-arg",
            "NPM_AGENTS=semver@7.7.2",
        ),
        *("--tag", tag, str(ROOT)),
        seconds=600,
    )
    try:
        path = "PATH=/opt/agents/bin:/usr/bin:/bin"
        said = engine.docker(
            "run", "--rm", "--network", "none", tag, "env", path, "semver", "1.2.3"
        )
    finally:
        engine.docker("image", "rm", tag)

    assert said == "1.2.3\n"
