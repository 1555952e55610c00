"""What branches touch, and which of them could conflict at all.

Two branches that touch different files merge, so most pairs of a board need no merge to know that. A
footprint errs on the side of merging: where files go away or directories come into being, what git makes
of moved directories and of a file in a directory's place is left to git.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Final, TypeVar

import pygit2

from lazyaf.git.merge_many import NICENESS
from lazyaf.git.reader import PairCache, opened
from lazyaf.git.refs import require_object_ids
from lazyaf.git.storage import Storage

K = TypeVar("K", bound=Hashable)

MOST_PATHS: Final = 5_000
"""A branch that touches more is not held against others: it is a move of everything."""

GONE: Final = ""


@dataclass(frozen=True, slots=True)
class Footprint:
    """What a branch has at the paths that it touched (mode and object, or `GONE`), and the directories
    above whatever it took away and above whatever it added. ``is_whole`` is False, and the rest empty,
    beyond `MOST_PATHS`."""

    touched: Mapping[bytes, str] = field(default_factory=dict)
    left: frozenset[bytes] = frozenset()
    entered: frozenset[bytes] = frozenset()
    is_whole: bool = True


_known: PairCache[Footprint] = PairCache(2_048)


async def footprints(
    storage: Storage, repo_id: str, base_sha: str, heads: Iterable[str]
) -> dict[str, Footprint]:
    """The footprint of each head since it left the base; full ids. Remembered by the commit where it left,
    so that a base that moves on costs nothing."""
    asked = list(heads)
    require_object_ids(base_sha, *asked)
    async with storage.shared(repo_id) as path:
        forks = await asyncio.to_thread(_forks, path, base_sha, asked)
        missing = [(head, fork) for head, fork in forks.items() if not _known.get(fork, head)]
        if missing:
            # One parent that we name makes it the difference from that commit (git-diff-tree, --stdin).
            listed = await storage.git(
                repo_id,
                ["diff-tree", "--stdin", "--always", "-r", "-z", "--raw", "--no-renames", "--no-abbrev"],
                stdin="".join(f"{head} {fork}\n" for head, fork in missing).encode(),
                niceness=NICENESS,
            )  # fmt: skip
            for head, footprint in _read(listed.stdout):
                _known.put(forks[head], head, footprint)
    return {head: _known.get(fork, head) or Footprint() for head, fork in forks.items()}


def _forks(path: Path, base_sha: str, heads: Sequence[str]) -> dict[str, str]:
    """Where each head left the base; the base itself for those without a common history."""
    with opened(path) as repository:
        return {head: str(_fork(repository, base_sha, head) or base_sha) for head in heads}


def _fork(repository: pygit2.Repository, base_sha: str, head: str) -> pygit2.Oid | None:
    return repository.merge_base(pygit2.Oid(hex=base_sha), pygit2.Oid(hex=head))


def _read(answer: bytes) -> Iterator[tuple[str, Footprint]]:
    """Per commit ``<id> NUL``, then ``:<modes and ids> <status> NUL <path> NUL`` of each file."""
    head, entries = "", list[tuple[str, bytes]]()
    fields = iter(answer.split(b"\0"))
    for said in fields:
        if said.startswith(b":"):
            entries.append((said.decode(), next(fields)))
            continue
        if head:
            yield head, _footprint(entries)
        head, entries = said.decode(), []


def _footprint(entries: Sequence[tuple[str, bytes]]) -> Footprint:
    if len(entries) > MOST_PATHS:
        return Footprint(is_whole=False)
    touched, left, entered = dict[bytes, str](), set[bytes](), set[bytes]()
    for said, path in entries:
        _, mode, _, blob, status = said.split(" ")
        touched[path] = GONE if status == "D" else f"{mode} {blob}"
        if status == "D":
            left.update(_above(path))
        elif status == "A":
            entered.update(_above(path))
    return Footprint(touched, frozenset(left), frozenset(entered))


def _above(path: bytes) -> Iterator[bytes]:
    """The directories that a path lies in, but for the top."""
    while path := path.rpartition(b"/")[0]:
        yield path


def overlapping(found: Mapping[K, Footprint]) -> set[frozenset[K]]:
    """The pairs that could conflict. Blocks for a moment with large footprints."""
    at: dict[bytes, dict[K, str]] = defaultdict(dict)
    for key, footprint in found.items():
        for path, what in footprint.touched.items():
            at[path][key] = what
    pairs: set[frozenset[K]] = set()
    for here in at.values():
        if len(here) > 1:
            # Both made it the same: no conflict. Both took it away: each may have put it elsewhere.
            pairs.update(
                frozenset((one, other))
                for one, other in combinations(here, 2)
                if here[one] != here[other] or here[one] == GONE
            )
    pairs.update(_through_directories(found, at))
    return pairs


def _through_directories(
    found: Mapping[K, Footprint], at: Mapping[bytes, Mapping[K, str]]
) -> Iterator[frozenset[K]]:
    """One took something out of a directory, or put a file in its place, into which the other put one."""
    leavers: dict[bytes, set[K]] = defaultdict(set)
    for key, footprint in found.items():
        for directory in footprint.left:
            leavers[directory].add(key)
    for key, footprint in found.items():
        for directory in footprint.entered:
            for other in (*leavers.get(directory, ()), *at.get(directory, ())):
                if other != key:
                    yield frozenset((key, other))
