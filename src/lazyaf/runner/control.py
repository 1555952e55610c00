"""Listens for what people say to a running job: one long poll after the other."""

from __future__ import annotations

from collections.abc import Callable

from lazyaf.protocol.messages import Command, Job
from lazyaf.runner.client import ServerClient


async def listen(
    client: ServerClient, job: Job, after: int, handle: Callable[[Command], None]
) -> None:
    """Hand every command after number ``after`` to ``handle``, in order, until cancelled.

    The poll also keeps the lease alive. Raises `LeaseLost`, `ServerAbsent` or `Refused`.
    """
    while True:
        for command in await client.control(job, after):
            handle(command)
            after = command.id
