"""Where lines of one commit stand in another: what review comments hold on to.

A line is followed through renamed files, through what was inserted or removed above it and through changed
line endings. It is lost when it was changed or removed itself, or when its file is gone. Between which
commits does not matter: after a rebase the two are no ancestors of each other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pygit2
from pygit2.enums import DiffOption

from lazyaf.git.changes import GITLINK, KEPT, LINK, Entry, listed
from lazyaf.git.reader import PairCache, opened
from lazyaf.git.refs import require_object_ids
from lazyaf.git.storage import Storage

LARGEST: Final = 4 * 1024**2
"""Bytes of a changed file beyond which its lines are not followed; its comments count as lost."""

Span = tuple[int, int, int]
"""A changed run: where it begins in the old file, its lines there, and its lines in the new one. One without
lines in the old file was inserted after the line where it begins."""


@dataclass(frozen=True, slots=True)
class Place:
    """Lines of a file, both ends included and counted from 1; without lines the file as a whole."""

    path: str
    start: int | None = None
    end: int | None = None


_changed: PairCache[Mapping[str, Entry]] = PairCache(64)
_spans: PairCache[tuple[Span, ...]] = PairCache(1_024)


async def track(
    storage: Storage, repo_id: str, old: str, new: str, places: Iterable[Place]
) -> dict[Place, Place | None]:
    """Where each of these places of the commit ``old`` stands in ``new``; None for one that is lost. Full
    ids of commits that are there; raises `GitFailed` for others."""
    require_object_ids(old, new)
    wanted = list(places)
    if old == new or not wanted:
        return {place: place for place in wanted}
    async with storage.shared(repo_id) as folder:
        changed = await _changes(storage, repo_id, old, new)
        return await asyncio.to_thread(_follow, folder, changed, wanted)


async def _changes(storage: Storage, repo_id: str, old: str, new: str) -> Mapping[str, Entry]:
    """What became of each file that is not the same, by its old path."""
    known = _changed.get(old, new)
    if known is not None:
        return known
    entries = await listed(storage, repo_id, old, new)
    changed = {
        entry.old_path or entry.path: entry
        for entry in entries
        if entry.status not in ("added", "copied")  # whatever was copied stays where it is
    }
    return _changed.put(old, new, changed) if len(entries) <= KEPT else changed


def _follow(
    folder: Path, changed: Mapping[str, Entry], places: Sequence[Place]
) -> dict[Place, Place | None]:
    with opened(folder) as repository:
        return {place: _followed(repository, changed.get(place.path), place) for place in places}


def _followed(repository: pygit2.Repository, entry: Entry | None, place: Place) -> Place | None:
    if entry is None:
        return place
    if entry.status == "deleted" or entry.status == "type_changed":
        return None
    if place.start is None or place.end is None or entry.old_id == entry.new_id:
        return Place(entry.path, place.start, place.end)
    if {entry.old_mode, entry.new_mode} & {LINK, GITLINK}:
        return None
    spans = _spans_of(repository, entry.old_id, entry.new_id)
    lines = None if spans is None else _shifted(spans, place.start, place.end)
    return None if lines is None else Place(entry.path, *lines)


def _spans_of(repository: pygit2.Repository, old: str, new: str) -> Sequence[Span] | None:
    """What lies between two blobs, from top to bottom; None when they are too large."""
    known = _spans.get(old, new)
    if known is not None:
        return known
    if any(repository.odb.read_header(oid)[1] > LARGEST for oid in (old, new)):
        return None
    before, after = (repository[oid].peel(pygit2.Blob) for oid in (old, new))
    how = DiffOption.FORCE_TEXT | DiffOption.IGNORE_WHITESPACE_EOL | DiffOption.INDENT_HEURISTIC
    patch = pygit2.Patch.create_from(before, after, flag=how, context_lines=0)
    spans = tuple((hunk.old_start, hunk.old_lines, hunk.new_lines) for hunk in patch.hunks)
    return _spans.put(old, new, spans)


def _shifted(spans: Sequence[Span], start: int, end: int) -> tuple[int, int] | None:
    """The lines as they are counted after these changes; None when one of them was changed. What was
    inserted between the first and the last belongs to them from then on."""
    above = between = 0
    for first, removed, added in spans:
        if removed == 0:
            above += added if first < start else 0
            between += added if start <= first < end else 0
        elif first + removed - 1 < start:
            above += added - removed
        elif first <= end:
            return None
    return start + above, end + above + between
