"""The directory that the runners of a machine share: where what is in it, and how much there is.

``cache/<repo_id>``, ``spares/<repo_id>``, ``trees/<card_id>``, ``homes/<card_id>``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

BLOCK: int = 512
"""What ``st_blocks`` counts in, whatever the disk's own blocks are."""


@dataclass(frozen=True, slots=True)
class WorkDir:
    """See the module."""

    root: Path

    @property
    def cache(self) -> Path:
        """Where the repositories' caches are."""
        return self.root / "cache"

    @property
    def trees(self) -> Path:
        """Where the cards' work trees are."""
        return self.root / "trees"

    @property
    def spares(self) -> Path:
        """Where the trees are that wait for their card."""
        return self.root / "spares"

    @property
    def homes(self) -> Path:
        """Where the cards' HOME directories are."""
        return self.root / "homes"

    def sizes(self) -> dict[str, int]:
        """Bytes on the disk, by what they are for. Blocks, for seconds where there is much."""
        return {
            "trees": size_of(self.trees),
            "homes": size_of(self.homes),
            "caches": size_of(self.cache),
            "spares": size_of(self.spares),
        }


def size_of(path: Path) -> int:
    """Bytes that a file or a directory takes on the disk, a file with several names counted once. What
    vanishes or cannot be read meanwhile is left out; no link is followed."""
    counted: set[tuple[int, int]] = set()
    total = 0
    for facts in _facts(path):
        if facts.st_nlink > 1:
            name = (facts.st_dev, facts.st_ino)
            if name in counted:
                continue
            counted.add(name)
        total += facts.st_blocks * BLOCK
    return total


def _facts(path: Path) -> Iterator[os.stat_result]:
    folders: list[str | Path] = [path]
    with suppress(OSError):
        yield path.lstat()
    while folders:
        # What is no directory cannot be scanned; it is counted already.
        with suppress(OSError), os.scandir(folders.pop()) as entries:
            for entry in entries:
                with suppress(OSError):
                    yield entry.stat(follow_symlinks=False)
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
