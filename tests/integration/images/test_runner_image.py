"""The runner's image: what is in it, what is not, and that it needs no rights."""

from __future__ import annotations

import contextlib
import io
import json
import re
import tarfile
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest

from lazyaf import __version__
from support.engine import Engine
from support.images import MARK, base_image

ROOT = Path(__file__).parents[3]
NO_RIGHTS = (
    *("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
    *("--tmpfs", "/tmp", "--tmpfs", "/data:uid=10001,gid=10001,mode=0700"),
)
TOKEN = "lzr_the-token-of-a-runner"
READ_SIZE = 1 << 20

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


def test_nothing_in_it_gives_rights(engine: Engine, runner_image: str) -> None:
    words = ("find", "/", "-xdev", "-perm", "/6000", "-type", "f")

    assert engine.docker("run", "--rm", "--user", "0", runner_image, *words) == ""


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


def test_it_says_what_it_is(engine: Engine, runner_image: str) -> None:
    config = engine.inspect(runner_image)["Config"]

    labels = config["Labels"]
    assert labels["org.opencontainers.image.version"] == __version__
    assert re.fullmatch(
        r"unknown|[0-9a-f]{40}(-dirty)?", labels["org.opencontainers.image.revision"]
    )
    assert labels["lazyaf.version"] == __version__
    assert config["User"] == "10001:10001"
    assert config.get("Volumes") is None  # one-job containers would each leave one behind


def test_no_image_keeps_what_the_build_read(engine: Engine, runner_image: str) -> None:
    """Neither its history, nor its description, nor a layer, deleted files included."""
    told = engine.docker("history", "--no-trunc", runner_image) + json.dumps(
        engine.inspect(runner_image)
    )
    assert MARK not in told
    assert re.findall(r"https?://[^\s\"]+", told) == []

    assert [name for name, stream in files_of(engine, runner_image) if has(stream, MARK)] == []


def files_of(engine: Engine, image: str) -> Iterator[tuple[str, IO[bytes]]]:
    """Every file of every layer."""
    with tempfile.NamedTemporaryFile(prefix="lazyaf-image-") as saved:
        engine.docker("save", "--output", saved.name, image)
        with tarfile.open(saved.name) as archive:
            layers = json.loads(archive.extractfile("manifest.json").read())[0]["Layers"]  # type: ignore[union-attr]
            for layer in layers:
                with tarfile.open(fileobj=archive.extractfile(layer)) as files:
                    for file in files:
                        stream = files.extractfile(file) if file.isreg() else None
                        if stream is not None:
                            yield file.name, stream


def has(stream: IO[bytes], word: str) -> bool:
    """Whether a stream holds the word, which may lie across two reads."""
    tail = b""
    while piece := stream.read(READ_SIZE):
        if word.encode() in tail + piece:
            return True
        tail = piece[-len(word) :]
    return False


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
