"""The question after the upload: may this push still happen? (R7)

A pre-receive hook of ours (storage.ASK_BACK, plain sh) writes to one inherited pipe and reads its
answer from another; the server asks whoever knows about leases in between. Only pushes that have
something to ask run a hook at all, so that a person's push pays nothing.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

logger = logging.getLogger(__name__)

REFUSED: Final = "the lease of this job is lost; its work goes to a ref of its own"
UNANSWERED: Final = "the server could not check the lease; push again"


class Gate:
    """Both pipes. The child's ends are closed here once it has them."""

    def __init__(self, still_allowed: Callable[[], Awaitable[bool]]) -> None:
        self._still_allowed = still_allowed
        self._question, self._ask = os.pipe()
        self._answer, self._reply = os.pipe()
        os.set_blocking(self._question, False)
        os.set_blocking(self._reply, False)
        self._open = {self._question, self._ask, self._answer, self._reply}

    @property
    def child_fds(self) -> tuple[int, int]:
        """What the child must inherit."""
        return (self._ask, self._answer)

    @property
    def env(self) -> dict[str, str]:
        """How the hook finds the pipes."""
        return {"LAZYAF_GATE_ASK": str(self._ask), "LAZYAF_GATE_ANSWER": str(self._answer)}

    def started(self) -> None:
        """The child has its ends: a question can now only be asked, or never come."""
        self._shut(*self.child_fds)

    async def serve(self) -> None:
        """Wait for the question and answer it; returns at once when the child ends unasked."""
        await self._readable()
        if not os.read(self._question, 16):
            return
        try:
            answer = "ok" if await self._still_allowed() else REFUSED
        except Exception:
            logger.exception("The check after an upload failed; the push is refused")
            answer = UNANSWERED
        with suppress(BrokenPipeError):
            os.write(self._reply, f"{answer}\n".encode())

    def close(self) -> None:
        """Close what is still open."""
        self._shut(*self._open)

    def _shut(self, *fds: int) -> None:
        for fd in set(fds) & self._open:
            self._open.discard(fd)
            os.close(fd)

    async def _readable(self) -> None:
        loop = asyncio.get_running_loop()
        ready = asyncio.Event()
        loop.add_reader(self._question, ready.set)
        try:
            await ready.wait()
        finally:
            loop.remove_reader(self._question)
