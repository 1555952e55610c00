"""In what condition a bare repository's files are: looked at from outside, without a git child.

`lazyaf.git.maintenance` decides by it what is worth doing, and the quota what still fits. Each
function blocks on the disk for some milliseconds: call it in a thread.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_MTIMES_HEADER: Final = 12
_MTIMES_TRAILER: Final = 2 * 20


@dataclass(frozen=True, slots=True)
class Condition:
    """What upkeep goes by. Sizes are in bytes.

    ``packed`` is the size of the pack that has a bitmap, 0 without one; ``outside`` that of all other
    packs of reachable objects and of the loose objects. ``oldest_cruft`` is when the object among
    the packed unreachable ones was last in use that is the longest out of it (Unix seconds); None
    when there are none.
    """

    packs: int
    loose_objects: int
    loose_refs: int
    packed: int
    outside: int
    oldest_cruft: int | None
    has_commit_graph: bool


def condition(repository: Path) -> Condition:
    """Look at everything. What vanishes meanwhile is left out."""
    packs = packed = outside = loose = 0
    oldest: list[int] = []
    for pack in (repository / "objects" / "pack").glob("pack-*.pack"):
        if pack.with_suffix(".mtimes").exists():
            oldest += _oldest(pack.with_suffix(".mtimes"))
            continue
        packs += 1
        size = _size(pack)
        if pack.with_suffix(".bitmap").exists():
            packed = max(packed, size)
        else:
            outside += size
    for entry in _loose(repository):
        loose += 1
        outside += _size(Path(entry.path))
    info = repository / "objects" / "info"
    return Condition(
        packs=packs,
        loose_objects=loose,
        loose_refs=sum(len(names) for _, _, names in os.walk(repository / "refs")),
        packed=packed,
        outside=outside,
        oldest_cruft=min(oldest, default=None),
        has_commit_graph=(info / "commit-graph").exists() or (info / "commit-graphs").exists(),
    )


def size(repository: Path) -> int:
    """Bytes that its objects take."""
    packs = sum(_size(path) for path in (repository / "objects" / "pack").glob("*"))
    return packs + sum(_size(Path(entry.path)) for entry in _loose(repository))


def changed_at(repository: Path) -> int:
    """When a ref or an object was last written (Unix nanoseconds)."""
    newest = [_mtime(repository / name) for name in ("HEAD", "packed-refs", "objects/pack")]
    newest += [_mtime(Path(entry.path)) for entry in _fans(repository)]
    for folder, _, names in os.walk(repository / "refs"):
        newest += [_mtime(Path(folder)), *(_mtime(Path(folder, name)) for name in names)]
    return max(newest)


def _fans(repository: Path) -> Iterator[os.DirEntry[str]]:
    with suppress(FileNotFoundError), os.scandir(repository / "objects") as found:
        yield from (entry for entry in found if len(entry.name) == 2)


def _loose(repository: Path) -> Iterator[os.DirEntry[str]]:
    for fan in _fans(repository):
        with suppress(FileNotFoundError), os.scandir(fan.path) as found:
            yield from found


def _size(path: Path) -> int:
    with suppress(FileNotFoundError):
        return path.stat().st_size
    return 0


def _mtime(path: Path) -> int:
    with suppress(FileNotFoundError):
        return path.stat().st_mtime_ns
    return 0


def _oldest(path: Path) -> list[int]:
    """The least of the times in a file of gitformat-pack's ``.mtimes``, if there is any."""
    with suppress(FileNotFoundError):
        body = path.read_bytes()[_MTIMES_HEADER:-_MTIMES_TRAILER]
        return [min(time for (time,) in struct.iter_unpack(">I", body))] if body else []
    return []
