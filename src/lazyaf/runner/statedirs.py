"""What dead runners of a machine have left in their own directories: log entries that nobody takes any
more, and the number of a process that is none.

What the next process of such a runner needs to go on with its very attempt stays.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from lazyaf.domain.leftovers import Leftover, LeftoverKind
from lazyaf.protocol.messages import LeftoversRequest
from lazyaf.runner.filelock import try_lock
from lazyaf.runner.retention import Ask
from lazyaf.runner.workdir import size_of

OVER: Final = "Its attempt is over; nobody takes its entries any more."
DEAD: Final = "There is no such process."


async def sweep_state_dirs(root: Path, ask: Ask, *, dry_run: bool) -> list[Leftover]:
    """Remove that from each directory below ``root`` whose runner does not run."""
    attempts = await asyncio.to_thread(_attempts, root)
    answer = await ask(LeftoversRequest(attempts=list(attempts.values())))
    over = [path for path, attempt in attempts.items() if attempt not in answer.live]
    return await asyncio.to_thread(lambda: list(_sweep(root, over, dry_run)))


def _attempts(root: Path) -> dict[Path, str]:
    return {path: _attempt(path) for path in sorted(root.glob("*/outbox/*.jsonl"))}


def _attempt(outbox: Path) -> str:
    """``<job>/<attempt>``, of a file that is called ``<job>-<attempt>.jsonl``."""
    job_id, _, number = outbox.stem.rpartition("-")
    return f"{job_id}/{number}"


def _sweep(root: Path, over: list[Path], dry_run: bool) -> Iterator[Leftover]:
    for lock in sorted(root.glob("*/lock")):
        with try_lock(lock) as taken:
            if not taken:
                continue
            folder = lock.parent
            found = [(p, LeftoverKind.OUTBOX, OVER) for p in over if p.parents[1] == folder]
            if _is_dead(folder / "pid"):
                found.append((folder / "pid", LeftoverKind.FILE, DEAD))
            for path, kind, why in found:
                yield Leftover(kind, str(path), why, bytes=size_of(path))
                if not dry_run:
                    path.unlink(missing_ok=True)


def _is_dead(path: Path) -> bool:
    """Whether the file names a process that does not run. One that runs may be a runner that has not
    taken its lock yet."""
    with suppress(OSError, ValueError, OverflowError):
        number = int(path.read_text())
        try:
            os.kill(number, 0)
        except ProcessLookupError:
            return True
    return False
