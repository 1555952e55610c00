"""Opens what lies below a directory that an agent writes, never through a link (rules R1, R4).

Each component is opened by itself, from the one before it, and must be what it should be: a name that
an agent made a link, or makes one while it is being looked at, leads nowhere. Blocking.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

NAMES_MAX: Final = 1000
"""Names of a directory that are looked at."""
_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_PLANTED: Final = frozenset({errno.ELOOP, errno.ENOTDIR})


class Planted(OSError):
    """Something else is there than should be: a link, a device. The message names it."""


@contextmanager
def folder(root: Path | int, parts: Sequence[str], *, make: bool = False) -> Iterator[int]:
    """A descriptor of the directory at ``parts`` below ``root`` (a path, or a descriptor), which is
    made when it is missing, if asked. Raises `FileNotFoundError`, `Planted`, `OSError`."""
    current = _open(root, _DIRECTORY, None) if isinstance(root, Path) else os.dup(root)
    try:
        for part in parts:
            if make:
                with suppress(FileExistsError):
                    os.mkdir(part, 0o700, dir_fd=current)
            below = _open(part, _DIRECTORY, current)
            os.close(current)
            current = below
        yield current
    finally:
        os.close(current)


def open_file(within: int, name: str) -> BinaryIO:
    """A regular file in this directory, for reading. Raises `FileNotFoundError`, `Planted`."""
    descriptor = _open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, within)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _planted(name)
    return os.fdopen(descriptor, "rb")


def write_file(within: int, name: str, pieces: Iterable[bytes]) -> None:
    """Make this the content of the name in one step; a link of that name is replaced, not followed."""
    fresh = f".{name}.lazyaf"
    with suppress(FileNotFoundError):
        os.unlink(fresh, dir_fd=within)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(fresh, flags, 0o600, dir_fd=within), "wb") as file:
        file.writelines(pieces)
    os.replace(fresh, name, src_dir_fd=within, dst_dir_fd=within)


def names(within: int) -> list[str]:
    """The names in a directory, `NAMES_MAX` at most."""
    with os.scandir(within) as found:
        return [entry.name for entry in islice(found, NAMES_MAX)]


def _open(path: Path | str, flags: int, within: int | None) -> int:
    try:
        return os.open(path, flags, dir_fd=within)
    except OSError as error:
        if error.errno in _PLANTED:
            raise _planted(Path(path).name) from None
        raise


def _planted(name: str) -> Planted:
    return Planted(f"{name} is a link or no plain file or directory")
