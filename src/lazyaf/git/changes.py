"""Which files lie between two commits, as git itself lists them: names, modes, objects, counts.

git does this in a child, since libgit2 would hold the interpreter for seconds while it looks for
renames. `diff` makes hunks of what is listed here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from lazyaf.git import command
from lazyaf.git.blobs import read_file
from lazyaf.git.paths import shown
from lazyaf.git.reader import PairCache
from lazyaf.git.storage import Storage

STATUSES: Final = {
    "A": "added",
    "M": "modified",
    "D": "deleted",
    "R": "renamed",
    "C": "copied",
    "T": "type_changed",
}

ABSENT: Final = 0
LINK: Final = 0o120000
GITLINK: Final = 0o160000

MAX_COMPARED: Final = 32 * 1024**2
"""Bytes of a file beyond which git does not compare its lines; it would need several times that."""

KEPT: Final = 20_000
"""Entries of a list that is remembered: a large change is asked for again, page by page."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A changed file. Modes are git's (`ABSENT` where there is none), ids those of the objects.

    ``counted`` is False where git compared no lines: a binary file, or one over `MAX_COMPARED`.
    """

    path: str
    old_path: str | None
    status: str
    old_mode: int
    new_mode: int
    old_id: str
    new_id: str
    additions: int = 0
    deletions: int = 0
    counted: bool = True


_recent: PairCache[tuple[Entry, ...]] = PairCache(4)


async def listed(
    storage: Storage, repo_id: str, base: str, head: str, aside: Mapping[str, str] | None = None
) -> Sequence[Entry]:
    """Every file that differs between two commits, or a tree and a commit (full ids), by path; the caller
    holds `shared`. ``aside`` as in `lazyaf.git.diff.compare`.

    The ``.gitattributes`` at the root of ``head`` say what is binary: a bare repository would
    ignore them.
    """
    known = _recent.get(base, head)
    if known is not None:
        return known
    with storage.temporary() as folder:
        attributes = folder / "attributes"
        attributes.write_bytes(await read_file(storage, repo_id, head, ".gitattributes") or b"")
        found = await storage.git(
            repo_id,
            ["-c", f"core.attributesFile={attributes}", "-c", f"core.bigFileThreshold={MAX_COMPARED}",
             "diff-tree", "-r", "-z", "--raw", "--numstat", "--no-abbrev", "-M", "-C", "-l1000",
             base, head],
            env=None if aside is None else command.child_env(aside),
        )  # fmt: skip
    entries = tuple(_parse(found.stdout))
    return _recent.put(base, head, entries) if len(entries) <= KEPT else entries


def _parse(answer: bytes) -> Iterator[Entry]:
    """`--raw --numstat -z`: first every file with modes and ids, then, in the same order, every
    count; a rename or copy has two paths (git-diff-tree, "RAW OUTPUT FORMAT")."""
    fields = iter(answer.split(b"\0"))
    entries: list[Entry] = []
    for field in fields:
        if not field.startswith(b":"):
            break
        old_mode, new_mode, old_id, new_id, status = field[1:].decode().split(" ")
        first = next(fields)
        renamed = status[0] in "RC"
        entries.append(
            Entry(
                path=shown(next(fields) if renamed else first),
                old_path=shown(first) if renamed else None,
                status=STATUSES[status[0]],
                old_mode=int(old_mode, 8),
                new_mode=int(new_mode, 8),
                old_id=old_id,
                new_id=new_id,
            )
        )
    for entry in entries:
        added, deleted, name = field.split(b"\t", 2)
        if not name:
            next(fields), next(fields)
        counted = added != b"-"
        counts = (int(added), int(deleted)) if counted else (0, 0)
        yield replace(entry, additions=counts[0], deletions=counts[1], counted=counted)
        field = next(fields)
