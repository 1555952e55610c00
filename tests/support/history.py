"""Real git repositories for tests: made in one stream, looked at with git's own commands."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

WHO: Final = "Ada <ada@example.org>"
BEGAN_AT: Final = 1_600_000_000
MINUTE: Final = 60
PLACES: Final = 97
ENV: Final = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "LC_ALL": "C",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
}


def git(folder: Path, *arguments: str, stdin: bytes | None = None) -> str:
    """What git says there, with no configuration but the repository's own."""
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env=ENV, input=stdin, capture_output=True
    )
    assert done.returncode == 0, f"git {arguments}: {done.stderr.decode(errors='replace')}"
    return done.stdout.decode().strip()


def make_repository(folder: Path, *, commits: int, files: Mapping[str, str]) -> Path:
    """A checkout of ``main`` with this many commits, the last of which has added ``files``."""
    folder.mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    stream = [_commit(n, {f"src/part{n % PLACES}.txt": f"{n}\n"}) for n in range(1, commits)]
    stream.append(_commit(commits, files))
    git(folder, "fast-import", "--quiet", stdin=b"".join(stream))
    git(folder, "reset", "-q", "--hard")
    return folder


def _commit(number: int, files: Mapping[str, str]) -> bytes:
    said = f"Change {number}\n".encode()
    head = f"commit refs/heads/main\ncommitter {WHO} {BEGAN_AT + number * MINUTE} +0000\n"
    changes = b"".join(
        f"M 100644 inline {path}\n".encode() + _data(text.encode()) for path, text in files.items()
    )
    return head.encode() + _data(said) + changes + b"\n"


def _data(raw: bytes) -> bytes:
    return f"data {len(raw)}\n".encode() + raw + b"\n"


def commit_files(folder: Path, files: Mapping[str, str], message: str) -> str:
    """Write files, commit them; the commit."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", message)
    return git(folder, "rev-parse", "HEAD")


def bare_copy(source: Path, folder: Path) -> Path:
    """A bare clone, the ``origin`` of its source from now on: it plays the real remote."""
    git(source.parent, "clone", "-q", "--bare", str(source), str(folder))
    git(source, "remote", "add", "origin", str(folder))
    return folder


def tip(repository: Path, branch: str) -> str:
    """Where a branch stands."""
    return git(repository, "rev-parse", f"refs/heads/{branch}")


def parents(repository: Path, commit: str) -> list[str]:
    """The parents of a commit, in order."""
    return git(repository, "rev-list", "--parents", "-n1", commit).split()[1:]


def has_ancestor(repository: Path, old: str, new: str) -> bool:
    """Whether ``new`` contains ``old``."""
    base = git(repository, "merge-base", old, new)
    return base == old
