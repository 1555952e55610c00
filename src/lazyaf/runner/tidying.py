"""When a runner tidies up: at its start and once a day, one of those that share a directory for all."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from pathlib import Path
from typing import Final

import structlog

from lazyaf.domain.errors import LazyafError
from lazyaf.protocol.messages import LeftoversRequest, LeftoversResponse
from lazyaf.runner.client import Refused, ServerAbsent, ServerClient
from lazyaf.runner.config import RunnerConfig
from lazyaf.runner.filelock import try_lock
from lazyaf.runner.retention import Retention
from lazyaf.runner.sandbox import Sandbox
from lazyaf.runner.workdir import WorkDir

log = structlog.get_logger(__name__)

EVERY_S: Final = 24 * 3600.0
LOOK_EVERY_S: Final = 3600.0


async def keep_tidy(config: RunnerConfig, client: ServerClient, sandbox: Sandbox) -> None:
    """Tidy up whenever it is time, until cancelled. What goes wrong is told to the log."""
    if config.once:
        return
    while True:
        try:
            await tidy(config, client, sandbox, time.time())
        except (LazyafError, Refused, ServerAbsent, OSError) as error:
            log.warning("retention.failed", error=str(error))
        await asyncio.sleep(LOOK_EVERY_S)


async def tidy(config: RunnerConfig, client: ServerClient, sandbox: Sandbox, now: float) -> bool:
    """Tidy up unless another has within a day before ``now`` (Unix seconds), or is at it; whether it
    was done."""

    async def ask(request: LeftoversRequest) -> LeftoversResponse:
        try:
            return await client.leftovers(request)
        except Refused as refused:
            if refused.status != 404:
                raise
            return LeftoversResponse()  # an older server, which does not tell

    work = WorkDir(config.work_dir)
    with try_lock(work.root / "tidy.lock") as taken:
        done = work.root / "tidied"
        if not taken or now - _written_at(done) < EVERY_S:
            return False
        for leftover in await Retention(work, sandbox, ask, now).sweep():
            if leftover.stays:
                log.warning("retention.stays", path=leftover.place, why=leftover.why)
        done.touch()
        os.utime(done, (now, now))
        return True


def _written_at(path: Path) -> float:
    with contextlib.suppress(OSError):
        return path.stat().st_mtime
    return 0.0
