"""Asks the walker inside the sandbox to save or restore a work tree (rule R10)."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import lazyaf
from lazyaf.domain.errors import GitFailed
from lazyaf.git import command
from lazyaf.runner.treegit import TreeGit

SAVE_S: Final = 300.0
PACKAGE: Final = Path(lazyaf.__file__).parent
PYTHON: Final = os.path.realpath(sys.executable)
"""Not the virtual environment's: inside the sandbox only the interpreter and its library are shown."""
_START: Final = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); "
    "from lazyaf.runner.walker.__main__ import main; main()"
)


@dataclass(frozen=True, slots=True)
class Saved:
    """A save. ``head`` is what HEAD stands for (None: there is no repository any more), ``tip`` where
    the card's branch may stand; ``sha`` holds all that is not in ``head``, None when nothing is.
    ``unfinished`` says in words why nothing may be committed now, ``notes`` name what is not saved."""

    head: str | None
    tip: str | None
    sha: str | None
    unfinished: str | None
    notes: tuple[str, ...]


async def save(git: TreeGit, branch: str, *, final: bool = False) -> Saved:
    """Save the files as they are; with ``final`` also large ones that git does not know yet.

    Raises `GitFailed`.
    """
    git.store.mkdir(parents=True, exist_ok=True)
    question = {
        "tree": str(git.tree),
        "store": str(git.store),
        "lent": [str(git.cache / "objects")],
        "branch": branch,
        "identity": list(git.identity),
        "final": final,
    }
    answer = await _ask(git, "save", question, writable=(git.store,))
    return Saved(**{**answer, "notes": tuple(answer["notes"])})


async def restore(git: TreeGit, sha: str) -> None:
    """Make the files those of a save, on top of HEAD. Raises `GitFailed`."""
    await _ask(git, "restore", {"tree": str(git.tree), "sha": sha})


async def _ask(
    git: TreeGit, what: str, question: dict[str, Any], writable: Sequence[Path] = ()
) -> dict[str, Any]:
    words = [PYTHON, "-I", "-S", "-c", _START, str(PACKAGE.parent), what]
    done = await git.command(
        words,
        stdin=json.dumps(question).encode(),
        seconds=SAVE_S,
        writable=writable,
        read_only=(PACKAGE, Path(sys.base_prefix)),
    )
    if done.returncode != 0:
        raise GitFailed(command.failure(what, done.returncode, done.stderr))
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer
