"""Scenarios as data: what stands in ``scenarios/*.toml``, read strictly so that a typo is an error.

A scenario is a repository, a card and steps. A step is something that a person does, or that happens
to the repository, and what must then be true. `acceptance.play` plays them.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final, TypeVar

FOLDER: Final = Path(__file__).parent / "scenarios"
S = TypeVar("S")


@dataclass(frozen=True)
class Step:
    """``do`` and what it takes, then what is expected; whatever is None is not looked at."""

    do: str
    """A command of the card (start, retry, reject, approve, request-changes …), or of a person at
    the terminal (land), or ``advance``: somebody else merges ``files`` into main."""
    body: dict[str, Any] = field(default_factory=dict)
    """What goes with the card's command."""
    model: dict[str, Any] | None = None
    """Rewrite the card's description first, so that the model plays this."""
    command: str | None = None
    """Rewrite the script agent's command first."""
    settings: dict[str, Any] | None = None
    """Change the repository's settings first."""
    files: dict[str, str] = field(default_factory=dict)
    """What ``advance`` commits."""

    becomes: str | None = None
    """The status that the card gets to."""
    refused: dict[str, Any] | None = None
    """The command is refused with this; ``status`` is the HTTP status, the rest of the problem."""
    no_changes: bool | None = None
    failure: dict[str, str] | None = None
    """``reason`` exactly; ``detail`` and ``hint`` as parts of what the card says."""
    diff: dict[str, list[str]] | None = None
    """Exactly the changed lines of exactly these files."""
    round: dict[str, list[str]] | None = None
    """The same of the last round alone."""
    comments: list[str] | None = None
    """The states of the card's comments, by number."""
    answers: list[str] | None = None
    """What the agent has answered, by the comments' numbers."""
    branch: dict[str, str] | None = None
    """The content of these files at the branch's tip."""
    contains_base: bool | None = None
    """Whether the branch contains the tip of main."""
    mergeable: bool | None = None
    prompt: list[str] | None = None
    """What the prompt of this round must contain."""
    log: list[str] | None = None
    """Texts in the job's log."""
    merged: bool = False
    """main holds a merge commit whose parents are its old tip and the branch's."""
    message: list[str] | None = None
    """Lines of the message of what approving made, whose last paragraph names the card and who had a part in it."""
    branch_deleted: bool | None = None
    """Whether the card's branch is gone. Its last commit is kept in any case."""
    landed: bool = False
    """The origin's main is the internal one."""


@dataclass(frozen=True)
class Scenario:
    """One story. The title of its card is its name."""

    name: str
    step: list[Step]
    commits: int = 3
    """Commits that the repository is made of."""
    files: dict[str, str] = field(default_factory=dict)
    """Files of its last commit."""
    own_checkout: bool = False
    """Take LazyAF's own repository instead."""
    agent: str = "claude"


def load() -> list[Scenario]:
    """Every scenario of every file."""
    return [
        _scenario(table)
        for path in sorted(FOLDER.glob("*.toml"))
        for table in tomllib.loads(path.read_text())["scenario"]
    ]


def _scenario(table: dict[str, Any]) -> Scenario:
    steps = [_strict(Step, step) for step in table.pop("step")]
    return _strict(Scenario, {**table, "step": steps})


def _strict(kind: type[S], table: dict[str, Any]) -> S:
    known = {each.name for each in fields(kind)}  # type: ignore[arg-type]
    unknown = set(table) - known
    if unknown:
        raise ValueError(f"{kind.__name__} has no {sorted(unknown)}: {table}")
    return kind(**table)
