"""While a backup copies the repositories nothing is taken away from them (rules.md R6: "gc paused").

The backup is a process of its own, beside the server: they meet at a lock on a file in the storage's
root, held by an open file and let go of by any death. Who takes something away shares it for as long as
that lasts; a backup holds it alone.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

LOCK: Final = ".backup.lock"
POLL_S: Final = 0.2


@contextmanager
def removing(root: Path) -> Iterator[bool]:
    """Keep backups from beginning; False when one is being made, and then nothing may be removed."""
    with _opened(root) as descriptor:
        yield _taken(descriptor, fcntl.LOCK_SH)


@contextmanager
def copying(root: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Keep everything where it is. ``waiting`` is called once if somebody is just removing something,
    or another backup is being made."""
    with _opened(root) as descriptor:
        is_told = False
        while not _taken(descriptor, fcntl.LOCK_EX):
            if not is_told:
                waiting()
                is_told = True
            time.sleep(POLL_S)
        yield


@contextmanager
def _opened(root: Path) -> Iterator[int]:
    """The file of the lock, which belongs to whom the directory belongs, whoever comes first."""
    owner = root.stat()
    descriptor = os.open(root / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if os.geteuid() == 0 and os.fstat(descriptor).st_uid != owner.st_uid:
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
        yield descriptor
    finally:
        os.close(descriptor)


def _taken(descriptor: int, how: int) -> bool:
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
