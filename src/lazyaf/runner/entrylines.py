"""Entries as the lines of an outbox, and what is left out of them when they are too many for it: the
oldest output, never what an agent said or did."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pydantic import ValidationError

from lazyaf.protocol.entries import Entry, EntryKind

LEFT_OUT: Final = "left_out"
"""The name of an entry that stands for output lines; its ``detail`` counts them."""
_OUTPUT: Final = frozenset({EntryKind.STDOUT, EntryKind.STDERR})


def line_of(entry: Entry) -> bytes:
    """An entry as one line of JSON."""
    return entry.model_dump_json(exclude_defaults=True).encode() + b"\n"


def entry_of(line: bytes) -> Entry:
    """An entry as it was written; a word in its place where that cannot be read any more."""
    try:
        return Entry.model_validate_json(line)
    except ValidationError:
        return Entry(at="", kind=EntryKind.SYSTEM, text="This entry was stored once and is lost.")


def without_output(lines: Sequence[bytes]) -> list[bytes]:
    """The lines, in the older half of which each run of output is one line that counts it, and no
    agent's raw line is kept."""
    half = len(lines) // 2
    kept: list[bytes] = []
    run: list[Entry] = []
    for line in lines[:half]:
        entry = entry_of(line)
        if entry.kind in _OUTPUT:
            run.append(entry)
            continue
        kept += _counted(run)
        run = []
        kept.append(line_of(entry.model_copy(update={"raw": None})))
    return [*kept, *_counted(run), *lines[half:]]


def _counted(run: Sequence[Entry]) -> list[bytes]:
    """One entry for all of a run, which may hold such entries itself."""
    if not run:
        return []
    counts = [_count(entry) for entry in run]
    lines, size = (sum(each) for each in zip(*counts, strict=True))
    text = f"… {lines:,} lines ({size:,} characters) left out while the server was away."
    detail = {"lines": lines, "characters": size}
    first = run[0]
    return [line_of(Entry(at=first.at, kind=first.kind, text=text, name=LEFT_OUT, detail=detail))]


def _count(entry: Entry) -> tuple[int, int]:
    """Lines and characters that an entry stands for."""
    detail = entry.detail if entry.name == LEFT_OUT else None
    if detail is None:
        return 1, len(entry.text)
    lines, size = detail.get("lines"), detail.get("characters")
    return (lines, size) if isinstance(lines, int) and isinstance(size, int) else (1, 0)
