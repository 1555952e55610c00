"""The repositories that the git benchmark serves: the same bytes in every run, made in one stream each."""

from __future__ import annotations

import base64
import os
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

COMMITS: Final = 2000
FILES: Final = 3000
CHANGES: Final = 4
"""Files that each commit changes."""
FILE_BYTES: Final = 5400
REFS: Final = 5000
LATER_PACKS: Final = 40
LATER_LOOSE: Final = 400
_BEGAN_AT: Final = 1_700_000_000
_WHO: Final = "Bench <bench@localhost>"


def environment(header: str | None = None) -> dict[str, str]:
    """Of a git client without configuration; ``header`` is sent with each of its HTTP requests."""
    env = {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_AUTHOR_NAME": "Bench",
        "GIT_AUTHOR_EMAIL": "bench@localhost",
        "GIT_COMMITTER_NAME": "Bench",
        "GIT_COMMITTER_EMAIL": "bench@localhost",
    }
    settings = [("gc.auto", "0"), ("http.postBuffer", "1048576")]
    if header is not None:
        settings.append(("http.extraHeader", header))
    env["GIT_CONFIG_COUNT"] = str(len(settings))
    for index, (key, value) in enumerate(settings):
        env[f"GIT_CONFIG_KEY_{index}"] = key
        env[f"GIT_CONFIG_VALUE_{index}"] = value
    return env


def basic_auth(token: str) -> str:
    """The header with which a person's git client signs in."""
    return f"Authorization: Basic {base64.b64encode(f'lazyaf:{token}'.encode()).decode()}"


def git(cwd: Path, env: dict[str, str], *args: str, stdin: bytes | None = None) -> str:
    """What git says; raises when it fails."""
    done = subprocess.run(
        ["git", *args], cwd=cwd, env=env, input=stdin, check=True, capture_output=True
    )
    return done.stdout.decode().strip()


def fill(bare: Path) -> None:
    """2,000 commits on ``main`` with 3,000 files, about 75 MB packed; ``behind`` is ten commits back."""
    _import(bare, _history(random.Random(7)), unpack_limit=1)  # the same repository in every run
    git(bare, environment(), "branch", "behind", "main~10")


def live_on(bare: Path) -> None:
    """What a month of small pushes leaves: packs of one commit each, and loose objects."""
    dice = random.Random(11)
    for number in range(LATER_PACKS):
        _import(bare, [_later(dice, f"pushed-{number}", number)], unpack_limit=1)
    stream = [_later(dice, f"card-{number}", number) for number in range(LATER_LOOSE)]
    _import(bare, stream, unpack_limit=1_000_000)


def move_on(bare: Path, number: int) -> None:
    """One more commit on ``main``."""
    dice = random.Random(1000 + number)
    _import(bare, [_later(dice, "main", COMMITS + number)], unpack_limit=100)


def fill_with_refs(bare: Path) -> None:
    """5,000 branches as pushes leave them: a file each."""
    _import(bare, [_commit("main", 0, [("readme.md", b"refs\n")])], unpack_limit=1)
    tip = git(bare, environment(), "rev-parse", "main")
    script = "".join(f"create refs/heads/topic/{n:05} {tip}\n" for n in range(REFS - 1))
    git(bare, environment(), "update-ref", "--stdin", stdin=script.encode())


def _import(bare: Path, stream: Iterator[bytes] | list[bytes], *, unpack_limit: int) -> None:
    env = environment()
    limit = f"fastimport.unpackLimit={unpack_limit}"
    args = ["-c", limit, "fast-import", "--quiet", "--depth=0"]
    git(bare, env, *args, stdin=b"".join(stream))


def _history(dice: random.Random) -> Iterator[bytes]:
    for number in range(COMMITS):
        names = range(FILES) if number == 0 else dice.sample(range(FILES), CHANGES)
        yield _commit("main", number, [(_path(n), _text(dice)) for n in names])


def _later(dice: random.Random, branch: str, number: int) -> bytes:
    changes = [(_path(dice.randrange(FILES)), _text(dice))]
    return _commit(branch, COMMITS + number, changes, parent="refs/heads/main^0")


def _path(number: int) -> str:
    return f"part{number % 60}/module{number}.txt"


def _text(dice: random.Random) -> bytes:
    """Lines that hardly compress, so that the size on the wire is known."""
    size = int(FILE_BYTES * dice.uniform(0.4, 1.6))
    return base64.encodebytes(dice.randbytes(size))


def _commit(
    branch: str, number: int, changes: list[tuple[str, bytes]], parent: str | None = None
) -> bytes:
    head = f"commit refs/heads/{branch}\ncommitter {_WHO} {_BEGAN_AT + 60 * number} +0000\n"
    parts = [head.encode(), _data(f"Change {number}\n".encode())]
    if parent is not None:
        parts.append(f"from {parent}\n".encode())
    for path, text in changes:
        parts += [f"M 100644 inline {path}\n".encode(), _data(text)]
    return b"".join(parts)


def _data(raw: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(raw), raw)
