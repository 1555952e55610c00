"""Review comments: what a person says about lines of a change, and what the agent says it did about them.

A comment has a number within its card, by which the agent answers it: its last words have a line like
``[#3] used a set`` for each. What has no such line stays open.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

BODY_MAX: Final = 20_000
"""Characters of a comment."""
ANSWER_MAX: Final = 2_000
"""Characters that are kept of an answer; all of it is in the log."""


class Side(StrEnum):
    """In which file a comment's lines are counted."""

    OLD = "old"
    """In the one before: they were removed."""
    NEW = "new"


class CommentState(StrEnum):
    """How far a comment has come. Closed; the first that applies, from below."""

    OPEN = "open"
    OUTDATED = "outdated"
    """Nobody answered it, but its lines are not there any more as they were."""
    ANSWERED = "answered"
    """The agent said what it did about it."""
    RESOLVED = "resolved"
    """A person said that it is settled."""


def state_of(*, is_resolved: bool, is_answered: bool, is_outdated: bool) -> CommentState:
    """The one state that is shown."""
    if is_resolved:
        return CommentState.RESOLVED
    if is_answered:
        return CommentState.ANSWERED
    return CommentState.OUTDATED if is_outdated else CommentState.OPEN


# What agents put around it although they were not asked to: list marks, quotes, emphasis, several numbers.
# Nothing goes back over what it has read: whoever writes the text may not make that last.
_LEAD: Final = re.compile(r"(?:[ \t]*+(?:[-*+>•]|\d{1,3}[.)])(?=[ \t]))*+[ \t]*+[*_`~]*+")
_NUMBER: Final = re.compile(
    r"\[[ \t]*#[ \t]*(\d{1,6})[ \t]*\][*_`~]*"
    r"(?:[ \t]*+(?:,|;|&|and\b)*+[ \t]*+[*_`~]*+(?=\[[ \t]*+#))?"
)
_BETWEEN: Final = re.compile(r"[ \t]*(?:[:\u2013\u2014-]+[*_`~]*(?=[ \t]|$))?")


def answers_in(text: str) -> dict[int, str]:
    """What a text says about each comment that it names at the beginning of a line, by the comment's number;
    the last word counts. An answer is the rest of the line or, when there is nothing, the next line that
    says something."""
    found: dict[int, str] = {}
    waiting: list[int] = []
    for line in text.splitlines():
        numbers, rest = _read(line)
        waiting = numbers or waiting
        said = rest if numbers else line.strip()
        if waiting and said:
            found.update(dict.fromkeys(waiting, said[:ANSWER_MAX]))
            waiting = []
    return found


def _read(line: str) -> tuple[list[int], str]:
    """The numbers that a line begins with, and what it says after them."""
    lead = _LEAD.match(line)
    at = lead.end() if lead is not None else 0
    numbers = []
    while number := _NUMBER.match(line, at):
        numbers.append(int(number[1]))
        at = number.end()
    between = _BETWEEN.match(line, at)
    return numbers, line[between.end() if between is not None else at :].strip()


def place_of(path: str, start: int | None, line: int | None) -> str:
    """A comment's place in words: ``src/a.py``, ``src/a.py:7`` or ``src/a.py:5-7``."""
    if line is None:
        return path
    return f"{path}:{line}" if start in (None, line) else f"{path}:{start}-{line}"
