"""What lies between two commits, as files and hunks that a person can review.

git lists the files (renames, copies, counts) in a child, since libgit2 would hold the interpreter
for seconds while it looks for renames; pygit2 then makes the hunks of one file after another in a
thread. Large files and large diffs keep their counts and lose their hunks; a file that was left out
is loaded alone by its path.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pygit2

from lazyaf.domain.errors import NotFound
from lazyaf.git.reader import PairCache, opened
from lazyaf.git.refs import resolve
from lazyaf.git.storage import Storage

STATUSES: Final = {
    "A": "added",
    "M": "modified",
    "D": "deleted",
    "R": "renamed",
    "C": "copied",
    "T": "type_changed",
}

GITLINK: Final = 0o160000
NO_NEWLINE: Final = ("\\", "No newline at end of file")

Line = tuple[str, str]
"""``(origin, text)``: origin is a blank, ``+``, ``-``, or ``\\`` for the note that the line before
has no newline; text is without its newline."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Beyond these a file comes without hunks. Lines are changed lines, sizes are bytes."""

    file_lines: int
    file_patch: int
    file_blob: int
    all_lines: int


WHOLE: Final = Limits(3_000, 512 * 1024, 4 * 1024**2, 20_000)
ALONE: Final = Limits(60_000, 16 * 1024**2, 32 * 1024**2, 60_000)


@dataclass(frozen=True, slots=True)
class Hunk:
    """A run of lines with its context; starts count from 1."""

    header: str
    old_start: int
    old_lines: int
    new_start: int
    new_lines: int
    lines: list[Line]


@dataclass(frozen=True, slots=True)
class FileDiff:
    """One file; modes are octal text, ``old_path`` is set for renames and copies.

    ``too_large`` says that there are changes whose hunks were left out.
    """

    path: str
    old_path: str | None
    status: str
    additions: int
    deletions: int
    binary: bool
    old_mode: str
    new_mode: str
    hunks: list[Hunk]
    too_large: bool


@dataclass(frozen=True, slots=True)
class Diff:
    """``base_sha`` is what was compared with: the merge base when ``three_dot``."""

    base_sha: str
    head_sha: str
    files: list[FileDiff]


@dataclass(frozen=True, slots=True)
class Stat:
    """How much changed: files, and lines in them."""

    files: int
    additions: int
    deletions: int


@dataclass(frozen=True, slots=True)
class _Entry:
    """A file of the list, with the two objects its hunks are made of."""

    file: FileDiff
    old_id: str
    new_id: str


_stats: PairCache[Stat] = PairCache(4_096)


async def diff(
    storage: Storage,
    repo_id: str,
    base: str,
    head: str,
    *,
    three_dot: bool = True,
    path: str | None = None,
    context: int = 3,
) -> Diff:
    """What ``head`` changes since it left ``base`` (or against it, without ``three_dot``).

    Both are refs or full ids. ``path`` gives one file alone, with higher limits, or no file when
    that path did not change. Raises `NotFound` for a ref that is not there.
    """
    async with storage.shared(repo_id) as folder:
        base_sha, head_sha = await _ends(storage, repo_id, base, head, three_dot=three_dot)
        entries = await _list(storage, repo_id, base_sha, head_sha)
        limits = WHOLE
        if path is not None:
            entries = [e for e in entries if path in (e.file.path, e.file.old_path)]
            limits = ALONE
        files = await asyncio.to_thread(_fill, folder, entries, limits, context)
    return Diff(base_sha, head_sha, files)


async def stat(storage: Storage, repo_id: str, base: str, head: str) -> Stat:
    """The size of `diff`, remembered. Raises `NotFound`."""
    async with storage.shared(repo_id):
        base_sha, head_sha = await _ends(storage, repo_id, base, head, three_dot=True)
        known = _stats.get(base_sha, head_sha)
        if known is not None:
            return known
        files = [entry.file for entry in await _list(storage, repo_id, base_sha, head_sha)]
    answer = Stat(len(files), sum(f.additions for f in files), sum(f.deletions for f in files))
    return _stats.put(base_sha, head_sha, answer)


async def _ends(
    storage: Storage, repo_id: str, base: str, head: str, *, three_dot: bool
) -> tuple[str, str]:
    ends = []
    for name in (base, head):
        sha = await resolve(storage, repo_id, name)
        if sha is None:
            raise NotFound(f"There is no branch, tag or commit “{name}”.")
        ends.append(sha)
    if three_dot:
        found = await storage.git(repo_id, ["merge-base", *ends], ok=(0, 1))
        ends[0] = found.text or ends[0]  # no common history: against the base itself
    return ends[0], ends[1]


async def _list(storage: Storage, repo_id: str, base: str, head: str) -> list[_Entry]:
    listed = await storage.git(
        repo_id,
        ["diff-tree", "-r", "-z", "--raw", "--numstat", "--no-abbrev", "-M", "-C", "-l1000",
         base, head],
    )  # fmt: skip
    return list(_parse(listed.stdout))


def _parse(listed: bytes) -> Iterator[_Entry]:
    """`--raw --numstat -z`: first every file with modes and ids, then, in the same order, every
    count; a rename or copy has two paths (git-diff-tree, "RAW OUTPUT FORMAT")."""
    fields = iter(listed.decode(errors="replace").split("\0"))
    entries: list[_Entry] = []
    for field in fields:
        if not field.startswith(":"):
            break
        old_mode, new_mode, old_id, new_id, status = field[1:].split(" ")
        first = next(fields)
        renamed = status[0] in "RC"
        file = FileDiff(
            path=next(fields) if renamed else first,
            old_path=first if renamed else None,
            status=STATUSES[status[0]],
            additions=0,
            deletions=0,
            binary=False,
            old_mode=old_mode,
            new_mode=new_mode,
            hunks=[],
            too_large=False,
        )
        entries.append(_Entry(file, old_id, new_id))
    for entry in entries:
        added, deleted, name = field.split("\t", 2)
        if not name:
            next(fields), next(fields)
        binary = added == "-"
        counts = (0, 0) if binary else (int(added), int(deleted))
        file = replace(entry.file, additions=counts[0], deletions=counts[1], binary=binary)
        yield replace(entry, file=file)
        field = next(fields)


def _fill(folder: Path, entries: list[_Entry], limits: Limits, context: int) -> list[FileDiff]:
    """The files with their hunks, as far as the limits go."""
    files, left = [], limits.all_lines
    with opened(folder) as repository:
        for entry in entries:
            changed = entry.file.additions + entry.file.deletions
            hunks: list[Hunk] | None = []
            if changed:
                fits = changed <= min(left, limits.file_lines)
                hunks = _hunks(repository, entry, limits, context) if fits else None
            if hunks:
                left -= changed
            files.append(replace(entry.file, hunks=hunks or [], too_large=hunks is None))
    return files


def _hunks(
    repository: pygit2.Repository, entry: _Entry, limits: Limits, context: int
) -> list[Hunk] | None:
    """The hunks of one file, or None when they are too large."""
    contents = []
    for oid, mode in ((entry.old_id, entry.file.old_mode), (entry.new_id, entry.file.new_mode)):
        content = _content(repository, oid, int(mode, 8), limits.file_blob)
        if content is None:
            return None
        contents.append(content)
    patch = pygit2.Patch.create_from(contents[0], contents[1], context_lines=context)
    hunks, left = [], limits.file_patch
    for hunk in patch.hunks:
        lines = [(line.origin, line.raw_content) for line in hunk.lines]
        left -= sum(len(content) for _, content in lines)
        if left < 0:
            return None
        hunks.append(
            Hunk(
                header=hunk.header.rstrip("\n"),
                old_start=hunk.old_start,
                old_lines=hunk.old_lines,
                new_start=hunk.new_start,
                new_lines=hunk.new_lines,
                lines=[_line(origin, content) for origin, content in lines],
            )
        )
    return hunks


def _content(
    repository: pygit2.Repository, oid: str, mode: int, limit: int
) -> pygit2.Blob | bytes | None:
    """What stands on one side; None when it is too large to look at."""
    if mode == 0:
        return b""
    if mode == GITLINK:
        return f"Subproject commit {oid}\n".encode()
    _, size = repository.odb.read_header(oid)
    if size > limit:
        return None
    return repository[oid].peel(pygit2.Blob)


def _line(origin: str, content: bytes) -> Line:
    if origin in "<>=":
        return NO_NEWLINE
    return origin, content.decode(errors="replace").removesuffix("\n")
