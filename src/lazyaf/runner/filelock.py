"""Locks between the runners of one machine, held by an open file and let go of by any death."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

from lazyaf.domain.errors import Unavailable

POLL_S: Final = 0.1


@contextmanager
def try_lock(path: Path) -> Iterator[bool]:
    """Take the lock if nobody has it; yields whether it was taken. Never inherited by children. Who
    holds it may delete the file."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = _open(path)
    try:
        taken = _flock(descriptor)
        while taken and not _is_at(path, descriptor):
            # Its holder deleted it just before we had it: whoever comes next would hold another.
            os.close(descriptor)
            descriptor = _open(path)
            taken = _flock(descriptor)
        yield taken
    finally:
        os.close(descriptor)


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _flock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


@asynccontextmanager
async def lock(path: Path, *, wait_s: float) -> AsyncIterator[None]:
    """Wait for the lock without blocking the loop. Raises `Unavailable` after ``wait_s`` seconds."""
    deadline = asyncio.get_running_loop().time() + wait_s
    while True:
        with try_lock(path) as taken:
            if taken:
                yield
                return
        if asyncio.get_running_loop().time() >= deadline:
            raise Unavailable(f"Another runner has held {path.name} for {wait_s:g} s.")
        await asyncio.sleep(POLL_S)
