"""Counts whom the egress proxy sent away, by job, and tells the server by and by: an agent may knock a
thousand times a second.
"""

from __future__ import annotations

import asyncio
from typing import Final

from lazyaf.pools.docker.background import Background
from lazyaf.pools.docker.server import Server

TELL_S: Final = 0.5


class Blocked:
    """What was refused since the server was last told."""

    def __init__(self, server: Server, background: Background) -> None:
        self._server = server
        self._background = background
        self._counted: dict[tuple[str, str], int] = {}

    def count(self, job_id: str, host: str) -> None:
        """This job did not reach this host."""
        if not self._counted:
            self._background.run(self._tell())
        self._counted[job_id, host] = self._counted.get((job_id, host), 0) + 1

    async def _tell(self) -> None:
        await asyncio.sleep(TELL_S)
        counted, self._counted = self._counted, {}
        for (job_id, host), times in counted.items():
            await self._server.blocked(job_id, host, times)
