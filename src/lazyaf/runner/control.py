"""Listens for what people say to a running job: one long poll after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from lazyaf.protocol.messages import Command, Job
from lazyaf.runner.client import ServerClient
from lazyaf.runner.mailbox import Mailbox


async def listen(
    client: ServerClient, job: Job, mailbox: Mailbox, handle: Callable[[Command], None]
) -> None:
    """Hand every new command to ``handle``, in order, until cancelled; tell the server what was dealt
    with as soon as it was.

    The poll also keeps the lease alive. Raises `LeaseLost`, `ServerAbsent` or `Refused`.
    """
    while True:
        mailbox.changed.clear()
        poll = asyncio.ensure_future(client.control(job, mailbox.after, mailbox.heard))
        change = asyncio.ensure_future(mailbox.changed.wait())
        try:
            await asyncio.wait({poll, change}, return_when=asyncio.FIRST_COMPLETED)
            # What a poll that is given up might have said is said again to the next.
            commands = await poll if poll.done() else []
        finally:
            poll.cancel()
            change.cancel()
            await asyncio.gather(poll, change, return_exceptions=True)
        for command in commands:
            mailbox.receive(command)
            handle(command)
