"""Which container this runner is in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

MOUNTS: Final = Path("/proc/self/mountinfo")
_ID: Final = re.compile(r"containers/([0-9a-f]{64})/")


def own_container_id(mounts: Path = MOUNTS) -> str | None:
    """The full id, by the files that Docker and Podman mount into every container; None elsewhere."""
    try:
        found = _ID.search(mounts.read_text("utf-8", "replace"))
    except OSError:
        return None
    return found[1] if found else None
