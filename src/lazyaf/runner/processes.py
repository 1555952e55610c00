"""Finding and ending processes by walking ``/proc``: the only way to reach what an agent has detached.

Everything a sandbox starts descends from one monitor process (bubblewrap, or `lazyaf.runner.reaper`
without it), so its descendants are the whole of it, setsid or not.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
from pathlib import Path
from typing import Final

PR_SET_DUMPABLE: Final = 4
_PROC = Path("/proc")


def make_undumpable() -> None:
    """Forbid processes of the same user to read this one's memory and environment (rule R4)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def parents() -> dict[int, int]:
    """Parent by process id, of every process that can be seen."""
    found: dict[int, int] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError):
                stat = (entry / "stat").read_text("utf-8", "replace")
                # The name is in parentheses and may itself hold some: the fields begin after the last.
                found[int(entry.name)] = int(stat.rsplit(")", 1)[1].split()[1])
    return found


def descendants(root: int) -> list[int]:
    """Every process below ``root``, nearest first, without ``root``."""
    children: dict[int, list[int]] = {}
    for pid, parent in parents().items():
        children.setdefault(parent, []).append(pid)
    found: list[int] = []
    queue = [root]
    while queue:
        below = children.get(queue.pop(0), [])
        found += below
        queue += below
    return found


def send(pids: list[int], number: signal.Signals) -> None:
    """Send a signal to each that still is."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)
