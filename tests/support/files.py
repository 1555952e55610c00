"""Looks at files and directories, also at those that others are changing."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def below(folder: Path) -> list[Path]:
    """Everything below a folder. Where a directory goes meanwhile, `Path.rglob` raises; this does not."""
    return [
        Path(place, name) for place, names, files in os.walk(folder) for name in (*names, *files)
    ]


def mode(path: Path) -> int:
    """The permission bits of a file."""
    return stat.S_IMODE(path.stat().st_mode)
