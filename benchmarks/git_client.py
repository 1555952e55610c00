"""What a git client does to a server, timed: one function per row of the git benchmark.

Each takes the client's `Desk` and the URL of a repository, and returns seconds of the git command
alone; what must be there before is made first.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.git_history import git

PUSH_BYTES: Final = 50 * 1000 * 1000
AT_ONCE: Final = 8


@dataclass(frozen=True, slots=True)
class Desk:
    """Where the client works. ``behind`` is a clone that lacks the last ten commits."""

    room: Path
    env: dict[str, str]
    behind: Path


Act = Callable[[Desk, str], float]


def clone(desk: Desk, url: str) -> float:
    """A full clone without a checkout."""
    with _target(desk) as target:
        return _timed(desk, target, "clone", "-q", "--bare", "--single-branch", url, "clone.git")


def clone_shallow(desk: Desk, url: str) -> float:
    """Only the last commit."""
    with _target(desk) as target:
        return _timed(desk, target, "clone", "-q", "--bare", "--depth=1", url, "clone.git")


def clones_at_once(desk: Desk, url: str) -> float:
    """Eight full clones, until the last has ended."""
    with _target(desk) as target:
        begun = time.perf_counter()
        command = ["git", "clone", "-q", "--bare", "--single-branch", url]
        running = [
            subprocess.Popen([*command, f"{n}.git"], cwd=target, env=desk.env)
            for n in range(AT_ONCE)
        ]
        statuses = [process.wait() for process in running]
        if any(statuses):
            raise RuntimeError(f"Clones of {url} ended with {statuses}.")
        return time.perf_counter() - begun


def fetch(desk: Desk, url: str) -> float:
    """The ten commits that the clone lacks."""
    with _target(desk) as target:
        shutil.copytree(desk.behind, target / "clone.git", copy_function=os.link)
        return _timed(desk, target / "clone.git", "fetch", "-q", url, "main:refs/heads/main")


def list_refs(desk: Desk, url: str) -> float:
    """``git ls-remote``."""
    return _timed(desk, desk.room, "ls-remote", url)


def push_commit(desk: Desk, url: str) -> float:
    """One commit as a new branch."""
    env = desk.env
    tree = git(desk.behind, env, "rev-parse", "main^{tree}")
    message = f"One {time.monotonic_ns()}"
    commit = git(desk.behind, env, "commit-tree", tree, "-p", "main", "-m", message)
    return _timed(desk, desk.behind, "push", "-q", url, f"{commit}:refs/heads/{_branch()}")


def push_bulk(desk: Desk, url: str) -> float:
    """One commit with a file of 50 MB of random bytes, as a new branch."""
    with _target(desk) as target:
        git(target, desk.env, "init", "-q", "-b", "bulk")
        (target / "bulk.bin").write_bytes(os.urandom(PUSH_BYTES))
        git(target, desk.env, "add", ".")
        git(target, desk.env, "commit", "-q", "-m", "bulk")
        return _timed(desk, target, "push", "-q", url, f"bulk:{_branch()}")


def _timed(desk: Desk, cwd: Path, *args: str) -> float:
    begun = time.perf_counter()
    git(cwd, desk.env, *args)
    return time.perf_counter() - begun


def _branch() -> str:
    return f"bench-{time.monotonic_ns()}"


@contextmanager
def _target(desk: Desk) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=desk.room) as folder:
        yield Path(folder)
