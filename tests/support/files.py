"""Looks at directories that others are changing."""

from __future__ import annotations

import os
from pathlib import Path


def below(folder: Path) -> list[Path]:
    """Everything below a folder. Where a directory goes meanwhile, `Path.rglob` raises; this does not."""
    return [
        Path(place, name) for place, names, files in os.walk(folder) for name in (*names, *files)
    ]
