"""Clone and push through the server, as ratios to ``file://`` in the same, interleaved run."""

from __future__ import annotations

import base64
import os
import random
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.ground import connect, server
from benchmarks.table import Figure

Act = Callable[[Path, dict[str, str], str], float]

COMMITS, FILES, ROUNDS = 400, 800, 5
PUSH_BYTES = 50 * 1000 * 1000


async def measure() -> list[Figure]:
    """Clone a repository of about 20 MB and push 50 MB, both ways in turn."""
    async with server() as running:
        wire = await connect(running)
        repo = await wire.call("POST", "/api/repos/ingest", {"name": "bench"})
        await wire.close()
        with tempfile.TemporaryDirectory(prefix="lazyaf-bench-git-") as folder:
            room = Path(folder)
            _build(room / "source")
            url = f"{running.url}/git/{repo['id']}.git"
            auth = base64.b64encode(f"lazyaf:{running.token}".encode()).decode()
            env = _env(f"Authorization: Basic {auth}")
            _git(room / "source", env, "push", "-q", url, "main")
            _git(room, env, "clone", "-q", "--bare", "source", "local.git")
            urls = {"server": url, "file": f"file://{room / 'local.git'}"}
            clones = [_ratio(room, env, urls, _clone) for _ in range(ROUNDS)]
            pushes = [_ratio(room, env, urls, _push) for _ in range(ROUNDS)]
    return [
        Figure("clone, ratio to file://", _spread(clones)),
        Figure("push of 50 MB, ratio to file://", _spread(pushes)),
    ]


def _spread(ratios: list[float]) -> str:
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def _ratio(room: Path, env: dict[str, str], urls: dict[str, str], act: Act) -> float:
    seconds = {name: act(room, env, url) for name, url in urls.items()}
    return seconds["server"] / seconds["file"]


def _env(header: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "http.extraHeader",
        "GIT_CONFIG_VALUE_0": header,
        "GIT_AUTHOR_NAME": "Bench",
        "GIT_AUTHOR_EMAIL": "bench@localhost",
        "GIT_COMMITTER_NAME": "Bench",
        "GIT_COMMITTER_EMAIL": "bench@localhost",
    }


def _git(cwd: Path, env: dict[str, str], *args: str, stdin: bytes | None = None) -> None:
    subprocess.run(["git", *args], cwd=cwd, env=env, input=stdin, check=True, capture_output=True)


def _build(path: Path) -> None:
    """A repository whose text is as compressible as code is."""
    dice = random.Random(7)  # the same repository in every run
    words = ["".join(dice.choices("abcdefghijklmnop", k=dice.randint(3, 9))) for _ in range(9000)]
    out: list[bytes] = []
    for n in range(COMMITS):
        out.append(f"commit refs/heads/main\ncommitter B <b@localhost> {1_700_000_000 + n} +0000\n"
                   f"data 8\ncommit\n\n".encode())  # fmt: skip
        for number in range(FILES) if n == 0 else dice.sample(range(FILES), 6):
            text = " ".join(dice.choices(words, k=1500)).encode()
            out.append(f"M 100644 inline dir{number % 40}/file{number}.txt\n".encode())
            out.append(b"data %d\n%s\n" % (len(text), text))
    path.mkdir()
    env = _env("X-None: 1")
    _git(path, env, "init", "-q", "-b", "main")
    _git(path, env, "fast-import", "--quiet", stdin=b"".join(out))


def _clone(room: Path, env: dict[str, str], url: str) -> float:
    with tempfile.TemporaryDirectory(dir=room) as target:
        begun = time.perf_counter()
        _git(room, env, "clone", "-q", "--bare", url, f"{target}/clone.git")
        return time.perf_counter() - begun


def _push(room: Path, env: dict[str, str], url: str) -> float:
    """Push one commit with a file of random bytes, as a new branch."""
    with tempfile.TemporaryDirectory(dir=room) as target:
        work = Path(target)
        _git(work, env, "init", "-q", "-b", "bulk")
        (work / "bulk.bin").write_bytes(os.urandom(PUSH_BYTES))
        _git(work, env, "add", ".")
        _git(work, env, "commit", "-q", "-m", "bulk")
        branch = f"bulk-{time.monotonic_ns()}"
        begun = time.perf_counter()
        _git(work, env, "push", "-q", url, f"bulk:{branch}")
        return time.perf_counter() - begun
