"""What lies between two commits, as files and hunks that a person can review.

git lists the files (`changes`); pygit2 then makes the hunks of one file after another in a thread.
Large files and large diffs keep their counts and lose their hunks; a file that was left out is
loaded alone by its path, and files beyond a page by the next page.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import pygit2
from pygit2.enums import DiffOption

from lazyaf.domain.errors import NotFound
from lazyaf.git import lfs
from lazyaf.git.changes import ABSENT, GITLINK, LINK, MAX_COMPARED, Entry, listed
from lazyaf.git.reader import PairCache, opened
from lazyaf.git.refs import resolve
from lazyaf.git.storage import Storage

NO_NEWLINE: Final = ("\\", "No newline at end of file")
PAGE_FILES: Final = 1_000

Kind = Literal["file", "symlink", "submodule", "lfs"]

Line = tuple[str, str]
"""``(origin, text)``: origin is a blank, ``+``, ``-``, or ``\\`` for the note that the line before
has no newline; text is without its newline, and bytes that are no UTF-8 are U+FFFD."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Beyond these a file comes without hunks. Lines are changed lines, sizes are bytes."""

    file_lines: int
    file_patch: int
    file_blob: int
    all_lines: int


WHOLE: Final = Limits(3_000, 512 * 1024, 4 * 1024**2, 20_000)
ALONE: Final = Limits(60_000, 16 * 1024**2, MAX_COMPARED, 60_000)


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
class Side:
    """What stands at the path before or after. ``mode`` is octal text.

    ``id`` is the blob, or for a submodule its commit, which is in another repository. ``size`` is
    bytes: of the real content where this is a pointer of Git LFS, None for a submodule.
    """

    kind: Kind
    mode: str
    id: str
    size: int | None


@dataclass(frozen=True, slots=True)
class FileDiff:
    """One file; a side is None where there is none, ``old_path`` is set for renames and copies.

    ``too_large`` says that there are changes whose hunks were left out. A submodule and a pointer
    of Git LFS have no hunks: what changed is their id and size.
    """

    path: str
    old_path: str | None
    status: str
    additions: int
    deletions: int
    binary: bool
    old: Side | None
    new: Side | None
    hunks: list[Hunk]
    too_large: bool


@dataclass(frozen=True, slots=True)
class Stat:
    """How much changed: files, and lines in them."""

    files: int
    additions: int
    deletions: int


NOTHING: Final = Stat(0, 0, 0)


@dataclass(frozen=True, slots=True)
class Diff:
    """``base_sha`` is what was compared with: the merge base when ``three_dot``.

    ``total`` is the size of all of it, ``files`` are those of one page; ``rest`` is how many of
    them to skip for the next page, None when there is none.
    """

    base_sha: str
    head_sha: str
    total: Stat
    files: list[FileDiff]
    rest: int | None = None


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
    skip: int = 0,
    limit: int = PAGE_FILES,
) -> Diff:
    """What ``head`` changes since it left ``base`` (or against it, without ``three_dot``).

    Both are refs or full ids. ``path`` gives one file alone, with higher limits, or no file when
    that path did not change. Raises `NotFound` for a ref that is not there.
    """
    async with storage.shared(repo_id):
        base_sha, head_sha = await _ends(storage, repo_id, base, head, three_dot=three_dot)
        return await compare(
            storage, repo_id, base_sha, head_sha, path=path, context=context, skip=skip, limit=limit
        )


async def compare(
    storage: Storage,
    repo_id: str,
    base: str,
    head: str,
    *,
    path: str | None = None,
    context: int = 3,
    skip: int = 0,
    limit: int = PAGE_FILES,
    aside: Mapping[str, str] | None = None,
) -> Diff:
    """What lies between two commits, or a tree and a commit, just as they are; full ids, the rest as in
    `diff`. ``aside`` (`lazyaf.git.merge.objects_aside`) says where the tree is, when it is not in the store."""
    async with storage.shared(repo_id) as folder:
        entries = await listed(storage, repo_id, base, head, aside)
        total, limits, rest = _sum(entries), WHOLE, None
        if path is not None:
            entries = [e for e in entries if path in (e.path, e.old_path)]
            limits = ALONE
        else:
            rest = skip + limit if len(entries) > skip + limit else None
            entries = entries[skip : skip + limit]
        files = await asyncio.to_thread(_fill, folder, entries, limits, context, aside)
    return Diff(base, head, total, files, rest)


async def stat(storage: Storage, repo_id: str, base: str, head: str) -> Stat:
    """The size of `diff`, remembered. Raises `NotFound`."""
    async with storage.shared(repo_id):
        base_sha, head_sha = await _ends(storage, repo_id, base, head, three_dot=True)
        known = _stats.get(base_sha, head_sha)
        if known is not None:
            return known
        answer = _sum(await listed(storage, repo_id, base_sha, head_sha))
    return _stats.put(base_sha, head_sha, answer)


def _sum(entries: Sequence[Entry]) -> Stat:
    return Stat(len(entries), sum(e.additions for e in entries), sum(e.deletions for e in entries))


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


def _fill(
    folder: Path,
    entries: Sequence[Entry],
    limits: Limits,
    context: int,
    aside: Mapping[str, str] | None,
) -> list[FileDiff]:
    """The files with their hunks, as far as the limits go."""
    files, left = [], limits.all_lines
    with opened(folder) as repository:
        if aside is not None:
            repository.odb.add_disk_alternate(aside["GIT_OBJECT_DIRECTORY"])
        for entry in entries:
            file = _file(repository, entry, min(left, limits.file_lines), limits, context)
            if file.hunks:
                left -= file.additions + file.deletions
            files.append(file)
    return files


def _file(
    repository: pygit2.Repository, entry: Entry, lines: int, limits: Limits, context: int
) -> FileDiff:
    old = _side(repository, entry.old_id, entry.old_mode)
    new = _side(repository, entry.new_id, entry.new_mode)
    sides = [side for side in (old, new) if side is not None]
    changed = entry.additions + entry.deletions
    uncounted = not entry.counted
    # git calls what it did not look into binary; whether it is, nobody knows.
    huge = uncounted and any((side.size or 0) > MAX_COMPARED for side in sides)
    hunks: list[Hunk] | None = []
    if huge:
        hunks = None
    elif changed and not any(side.kind in ("submodule", "lfs") for side in sides):
        hunks = _hunks(repository, entry, limits, context) if changed <= lines else None
    return FileDiff(
        path=entry.path,
        old_path=entry.old_path,
        status=entry.status,
        additions=entry.additions,
        deletions=entry.deletions,
        binary=uncounted and not huge,
        old=old,
        new=new,
        hunks=hunks or [],
        too_large=hunks is None,
    )


def _side(repository: pygit2.Repository, oid: str, mode: int) -> Side | None:
    if mode == ABSENT:
        return None
    octal = f"{mode:06o}"
    if mode == GITLINK:
        return Side("submodule", octal, oid, None)
    _, size = repository.odb.read_header(oid)
    if mode == LINK:
        return Side("symlink", octal, oid, size)
    pointer = None
    if size < lfs.MAX_BYTES:
        pointer = lfs.pointer(repository[oid].peel(pygit2.Blob).data)
    if pointer is not None:
        return Side("lfs", octal, oid, pointer.size)
    return Side("file", octal, oid, size)


def _hunks(
    repository: pygit2.Repository, entry: Entry, limits: Limits, context: int
) -> list[Hunk] | None:
    """The hunks of one file, or None when they are too large."""
    contents = []
    for oid, mode in ((entry.old_id, entry.old_mode), (entry.new_id, entry.new_mode)):
        content = _content(repository, oid, mode, limits.file_blob)
        if content is None:
            return None
        contents.append(content)
    # git said already that this is text, and its hunks begin where the indentation suggests.
    how = DiffOption.FORCE_TEXT | DiffOption.INDENT_HEURISTIC
    patch = pygit2.Patch.create_from(contents[0], contents[1], flag=how, context_lines=context)
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
    if mode == ABSENT:
        return b""
    _, size = repository.odb.read_header(oid)
    return repository[oid].peel(pygit2.Blob) if size <= limit else None


def _line(origin: str, content: bytes) -> Line:
    if origin in "<>=":
        return NO_NEWLINE
    return origin, content.decode(errors="replace").removesuffix("\n")
