"""Tells the server that this runner lives, and hears from it when it should leave."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from lazyaf.runner.client import Refused, ServerAbsent, ServerClient

log = structlog.get_logger(__name__)


async def beat(
    client: ServerClient,
    draining: asyncio.Event,
    on_heard: Callable[[], None],
    on_drain: Callable[[], None],
) -> None:
    """Beat at the server's rhythm until cancelled. Whether the server is away is for the loops that
    need it to decide."""
    while True:
        await asyncio.sleep(client.heartbeat_s)
        try:
            answer = await client.heartbeat(draining=draining.is_set())
        except (Refused, ServerAbsent) as error:
            log.warning("heartbeat.failed", error=str(error))
            continue
        on_heard()
        if answer.drain:
            on_drain()
