"""Makes the slots' networks while the pool has nothing else to do: they are a third of what it takes to have
eight runners ready, and stand there for nothing but a few interfaces of the kernel's.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

from lazyaf.domain.errors import Unavailable
from lazyaf.pools.docker.provisioner import Provisioner

CELLS: Final = 8
"""So many slots have their network before anybody asks for them."""
REST_S: Final = 3
"""Seconds for which nothing was made, after which networks are: one a second, so that nobody feels it."""


async def make_cells(provisioner: Provisioner, is_at_rest: Callable[[], bool]) -> None:
    """Go on until cancelled."""
    rested = 0
    while True:
        await asyncio.sleep(1)
        rested = rested + 1 if is_at_rest() else 0
        if rested > REST_S:
            with contextlib.suppress(Unavailable):
                await provisioner.make_cell_ahead(CELLS)
