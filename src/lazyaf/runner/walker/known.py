"""What was hashed before, so that a save costs what changed and not what is there."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

RACY_NS = 50_000_000
"""A file that changed so shortly before it was read may have changed again in the same clock tick."""


class Known:
    """Object ids by path and stat data, from one save to the next, and what the store holds."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._began = time.time_ns()
        self._fresh: dict[str, list[Any]] = {}
        try:
            kept = json.loads(path.read_text("utf-8"))
            self._old: dict[str, list[Any]] = kept["files"]
            self.stored: set[str] = set(kept["stored"])
        except (OSError, ValueError, KeyError, TypeError):
            self._old, self.stored = {}, set()

    def find(self, path: bytes, facts: os.stat_result) -> str | None:
        """The id that this file had when its stat data were the same."""
        entry = self._old.get(path.hex())
        if entry is None or entry[:5] != _stamp(facts):
            return None
        self._fresh[path.hex()] = entry
        return str(entry[5])

    def note(self, path: bytes, facts: os.stat_result, sha: str) -> None:
        """Remember it, unless it may have changed again since within one tick of the clock."""
        if max(facts.st_ctime_ns, facts.st_mtime_ns) < self._began - RACY_NS:
            self._fresh[path.hex()] = [*_stamp(facts), sha]

    def save(self) -> None:
        """Write it down for the next time."""
        text = json.dumps({"files": self._fresh, "stored": sorted(self.stored)})
        self._path.write_text(text, "utf-8")


def _stamp(facts: os.stat_result) -> list[int]:
    return [facts.st_ctime_ns, facts.st_mtime_ns, facts.st_size, facts.st_ino, facts.st_mode]
