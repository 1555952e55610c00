"""The directory that the runners of a machine share: where what is in it, and how much there is.

``cache/<repo_id>``, ``spares/<repo_id>``, ``trees/<card_id>``, ``homes/<card_id>``. A run of checks has a
tree and a HOME of its own, ``check-<job_id>``, which nobody else ever uses.
"""

from __future__ import annotations

import os
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

OF_CHECKS: str = "check-"
"""What the places of a run of checks begin with, in place of a card's id."""
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

    @property
    def trash(self) -> Path:
        """What is being removed, or was when its remover died."""
        return self.root / "trash"

    def cards(self) -> set[str]:
        """Every card that has something here."""
        return {
            name.split(".", 1)[0] for folder in (self.trees, self.homes) for name in _names(folder)
        }

    def repositories(self) -> set[str]:
        """Every repository that has something here."""
        return {name for folder in (self.cache, self.spares) for name in _names(folder)}

    def bury(self, path: Path) -> Path:
        """Away by one rename, so that nobody takes up half of it; where it is until `remove_tree`, which
        may take its time. Where that cannot be it is removed at once."""
        grave = self.trash / secrets.token_hex(8)
        try:
            grave.mkdir(parents=True, mode=0o700)
            path.rename(grave / path.name)
        except FileNotFoundError:
            log.debug("workdir.gone", path=str(path))
        except OSError:  # the disk is full, or it is another one
            remove_tree(path)
        return grave

    def discard(self, path: Path) -> None:
        """`bury` it, and remove it."""
        remove_tree(self.bury(path))

    def sizes(self) -> dict[str, int]:
        """Bytes on the disk, by what they are for. Blocks, for seconds where there is much."""
        return {
            "trees": size_of(self.trees),
            "homes": size_of(self.homes),
            "caches": size_of(self.cache),
            "spares": size_of(self.spares),
        }


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()] if folder.is_dir() else []


def remove_tree(path: Path) -> None:
    """Delete a directory that an agent wrote, never following a link; logs what will not go."""
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path, onerror=_make_writable)


def _make_writable(function: Callable[..., object], name: str, error: object) -> None:
    """Unlock the directory that is in the way and try once more."""
    del function
    path = Path(name)
    try:
        path.parent.chmod(stat.S_IRWXU)
        if path.is_dir() and not path.is_symlink():
            path.chmod(stat.S_IRWXU)
            shutil.rmtree(path, ignore_errors=True)
        else:
            os.unlink(path)  # noqa: PTH108 - must not follow
    except OSError:
        log.warning("workspace.left_behind", path=name, error=str(error))


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
