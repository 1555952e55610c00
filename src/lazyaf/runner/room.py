"""Whether a runner's own disk has room for another job: below the reserve it asks for none.

A server looks at its own disks only. Work under way goes on: it needs what is kept back here.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from lazyaf.protocol.messages import AgentOffer

LOOK_S: Final = 10.0
"""How often a runner without room looks whether there is some again."""
FIX: Final = "Make room on its disk, or give it a lower LAZYAF_DISK_RESERVE_MB."


def free(folder: Path) -> int:
    """Bytes that are free where a directory lies."""
    return shutil.disk_usage(folder).free


def shortage(folder: Path, reserve: int) -> str | None:
    """Why no job can be taken now, or None when there is room. Blocking."""
    left = free(folder)
    if left >= reserve:
        return None
    return (
        f"Only {left // 10**6:,} MB are free on this runner's disk, in {folder}, less than the reserve of "
        f"{reserve // 10**6:,} MB."
    )


def withheld(offers: Iterable[AgentOffer], why: str) -> list[AgentOffer]:
    """The offers of a runner that has no room."""
    told = {"available": False, "reason": why, "fix": FIX}
    return [each.model_copy(update=told) if each.available else each for each in offers]
