"""Sends the outbox to the server, in order, for as long as the job lives."""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from lazyaf.protocol.entries import Entry
from lazyaf.protocol.messages import Job
from lazyaf.runner.client import Refused, ServerClient
from lazyaf.runner.outbox import BATCH_ENTRIES, Outbox

log = structlog.get_logger(__name__)

BATCH_S: Final = 0.1
"""How long entries are collected before they are sent: a person sees them at once either way."""
TOO_LARGE: Final = 413
_KEPT: Final = 1000


class LogStreamer:
    """One per attempt; `run` until cancelled."""

    def __init__(self, client: ServerClient, job: Job, outbox: Outbox) -> None:
        self._client = client
        self._job = job
        self._outbox = outbox
        self._batch_max = BATCH_ENTRIES
        self._hurry = asyncio.Event()
        self._drained = asyncio.Event()

    async def run(self) -> None:
        """Send what comes, beginning where an earlier process stopped. Raises `LeaseLost`,
        `ServerAbsent` or `Refused`."""
        self._outbox.begin(await self._client.stored(self._job))
        while True:
            await self._outbox.grew.wait()
            await self._collect()
            self._outbox.grew.clear()
            while self._outbox.unsent:
                await self._send()
            self._drained.set()

    async def flush(self) -> None:
        """Return when the server holds everything."""
        self._hurry.set()
        while self._outbox.unsent:
            self._drained.clear()
            await self._drained.wait()

    async def _collect(self) -> None:
        """Give a batch a moment to fill, unless it is full or somebody waits for it."""
        if self._outbox.unsent >= BATCH_ENTRIES:
            return
        try:
            async with asyncio.timeout(BATCH_S):
                await self._hurry.wait()
        except TimeoutError:
            return

    async def _send(self) -> None:
        first, entries = self._outbox.batch(self._batch_max)
        # What the server holds must survive a power cut here, or its number would be given twice.
        await asyncio.to_thread(self._outbox.sync)
        try:
            stored = await self._client.log(self._job, first, entries)
        except Refused as refusal:
            stored = await self._answer(refusal, first, entries)
        self._outbox.acknowledge(stored)

    async def _answer(self, refusal: Refused, first: int, entries: list[Entry]) -> int:
        """What the server holds after it refused a batch; raises when nothing helps."""
        expected = refusal.extra.get("expected")
        if refusal.code == "sequence_gap" and isinstance(expected, int):
            log.info("outbox.gap", sent=first, expected=expected)
            return expected - 1
        if refusal.status != TOO_LARGE:
            raise refusal
        if len(entries) > 1:
            self._batch_max = max(1, len(entries) // 2)
            return first - 1
        bare = Entry(at=entries[0].at, kind=entries[0].kind, text=entries[0].text[:_KEPT])
        return await self._client.log(self._job, first, [bare])
