"""What the server takes from the machine: the clock, ids, the data directory and its secrets."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from uuid_utils import uuid7

from lazyaf.domain.errors import Conflict, Unavailable
from lazyaf.domain.ports import Disk


class SystemClock:
    """The `lazyaf.domain.ports.Clock` of the machine."""

    def now(self) -> str:
        """The present as ISO 8601 UTC with milliseconds."""
        return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def monotonic(self) -> float:
        """Seconds on the monotonic clock."""
        return time.monotonic()


def new_id() -> str:
    """A UUIDv7 as text: sortable by the time of its making."""
    return str(uuid7())


LOCK: Final = "server.lock"
"""Held in a data directory by its server."""
RESTORING: Final = ".restoring"
"""Stands in a data directory while it is restored."""


def prepare_data_dir(path: Path) -> None:
    """Make the data directory if it is missing, for its owner alone.

    Raises `Unavailable`, or `Conflict` for one that is half restored: nothing may begin in it.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.stat().st_uid == os.getuid():
            path.chmod(0o700)
    except OSError as error:
        raise _unusable(path, error) from None
    if (path / RESTORING).exists():
        raise Conflict(
            f"A restore into {path} was interrupted. Run `lazyaf restore` again: it begins anew.",
            code="restore_unfinished",
        )


def _unusable(path: Path, error: OSError) -> Unavailable:
    return Unavailable(
        f"LazyAF cannot write to its data directory {path}: {error.strerror}. Make it writable for "
        "the user that runs LazyAF, or choose another with --data-dir."
    )


def disks_of(folders: Iterable[Path]) -> list[Disk]:
    """The disks that hold these directories, each once, in the order of the directories. One that is
    not there yet will be on its parent's disk."""
    found: dict[int, list[Path]] = {}
    for folder in folders:
        found.setdefault(_standing(folder).stat().st_dev, []).append(folder)
    return [_disk(on_it) for on_it in found.values()]


def _disk(folders: list[Path]) -> Disk:
    usage = shutil.disk_usage(_standing(folders[0]))
    return Disk(tuple(folders), usage.total, usage.free)


def _standing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())


def read_or_make_secret(path: Path, make: Callable[[], str]) -> str:
    """The secret in this file (0600), made at first use. Never half a one: it is renamed into place."""
    with contextlib.suppress(FileNotFoundError):
        text = path.read_text().strip()
        if text:
            return text
    text = make()
    write_private(path, text + "\n")
    return text


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, all at once."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)


@contextmanager
def only_server(data_dir: Path) -> Iterator[None]:
    """Hold the data directory; `Conflict` when another server has it (rules.md R18), `Unavailable`
    when it cannot be written."""
    try:
        lock = (data_dir / LOCK).open("w")
    except OSError as error:
        raise _unusable(data_dir, error) from None
    with lock as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(
                f"Another LazyAF server uses {data_dir}. Stop it first, or give this one another "
                "directory with --data-dir.",
                code="already_running",
            ) from None
        yield
