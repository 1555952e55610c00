"""Wakes whoever waits for news of a job: its runner's long poll for a command, the followers of its log
for an entry. Only a hint, like dispatch: who wakes looks into the database."""

from __future__ import annotations

import asyncio


class JobWaiters:
    """Those who wait, by job."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Future[None]]] = {}
        self.is_draining = False

    def join(self, job_id: str) -> asyncio.Future[None]:
        """A future that is resolved when there may be something new."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(job_id, set()).add(future)
        return future

    def leave(self, job_id: str, future: asyncio.Future[None]) -> None:
        """Stop waiting."""
        waiting = self._waiting.get(job_id)
        if waiting is not None:
            waiting.discard(future)
            if not waiting:
                del self._waiting[job_id]

    def wake(self, job_id: str) -> None:
        """Resolve every wait for this job."""
        for future in self._waiting.pop(job_id, set()):
            if not future.done():
                future.set_result(None)

    def drain(self) -> None:
        """The server is leaving: wake everybody."""
        self.is_draining = True
        for job_id in list(self._waiting):
            self.wake(job_id)
