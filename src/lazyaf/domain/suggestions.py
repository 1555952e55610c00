"""Suggestions of a review: what lines of a file should become, letter by letter."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lazyaf.domain.errors import Invalid

TEXT_MAX = 100_000
"""Characters of one suggestion."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """``text`` instead of the lines ``start_line`` to ``line`` of the file, both counted from 1. Each of its
    lines ends with a newline; one without lines takes them away."""

    path: str
    start_line: int
    line: int
    text: str


def applied(content: bytes, suggestions: Iterable[Suggestion]) -> bytes:
    """A file's content with these suggestions about it. The endings of the lines that were there stay: CRLF,
    and a last line without a newline. Raises `Invalid` for lines that it has not, and for overlaps."""
    lines = content.split(b"\n")
    ends_bare = lines[-1] != b""
    if not ends_bare:
        lines.pop()
    last = len(lines) + 1
    for each in sorted(suggestions, key=lambda each: each.line, reverse=True):
        if not 1 <= each.start_line <= each.line <= len(lines):
            raise _invalid(f"{each.path} has no lines {each.start_line} to {each.line}.")
        if each.line >= last:
            raise _invalid(
                f"Two suggestions are about line {last} of {each.path}. Apply one of them."
            )
        last = each.start_line
        new = each.text.encode().replace(b"\r\n", b"\n").removesuffix(b"\n").split(b"\n")
        if lines[each.start_line - 1].endswith(b"\r"):
            new = [line + b"\r" for line in new]
        lines[each.start_line - 1 : each.line] = new if each.text else []
    return b"\n".join(lines) + (b"\n" if lines and not ends_bare else b"")


def message_of(suggestions: list[Suggestion]) -> str:
    """The message of the commit that applies them."""
    paths = sorted({each.path for each in suggestions})
    if len(paths) == 1:
        return f"Apply {_count(suggestions)} to {paths[0]}\n"
    return f"Apply {_count(suggestions)} of the review\n"


def _count(suggestions: list[Suggestion]) -> str:
    return "a suggestion" if len(suggestions) == 1 else f"{len(suggestions)} suggestions"


def _invalid(why: str) -> Invalid:
    return Invalid.field("suggestions", why)
