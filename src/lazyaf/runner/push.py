"""Sends work to the server as one receive-pack request, without any git process outside the sandbox.

The sandbox makes the pack (`TreeGit.pack`); this module spools it, puts the commands before it and
posts it with the attempt's credential from memory. The server's quarantine is the judge (rule R1). What
the refs stand at is asked first and after every doubt, so that a lost answer or a restarted runner
never makes a wrong claim about the old value.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol

import httpx2
import structlog

from lazyaf.domain.errors import BadRequest
from lazyaf.git.pktline import ZERO, Report, decode, encode_push_request, parse_report
from lazyaf.protocol.messages import Job
from lazyaf.runner.client import ServerAbsent, ServerClient, retry_delay
from lazyaf.runner.sandbox import READ_SIZE

log = structlog.get_logger(__name__)

PUSH_TIMEOUT: Final = httpx2.Timeout(300.0, connect=5.0)
CAPABILITIES: Final = ("report-status", "atomic", "object-format=sha1", "agent=lazyaf-runner")
RETRIED: Final = frozenset({408, 425, 429})


class PushRejected(Exception):
    """The server refused the work; the message is its reason."""


class Packer(Protocol):
    """Who has the objects: `TreeGit` those of the work, `SessionStore` those of the session."""

    async def pack(self, new: Iterable[str], known: Iterable[str], spool: Path) -> None:
        """Write a pack of what the server lacks to ``spool``; it has all that is behind ``known``, which
        are commits, and trees as git names them (``<commit>^{tree}``). Raises `GitFailed`, `TooLarge`."""
        ...


class Publisher:
    """Pushes what one attempt makes. One push at a time."""

    def __init__(self, client: ServerClient, job: Job, git: Packer, spool: Path) -> None:
        self._client = client
        self._job = job
        self._git = git
        self._spool = spool
        self._lock = asyncio.Lock()
        self._remote: dict[str, str] | None = None
        starts = (job.base_sha, job.branch_sha, job.resume.head, job.resume.checkpoint)
        self._known = [sha for sha in starts if sha]

    async def push(self, updates: Mapping[str, str]) -> None:
        """Make each ref stand at its commit. Does nothing for those that do already.

        Raises `PushRejected`, `ServerAbsent`, `GitFailed` (packing) or `TooLarge`.
        """
        # A push is not cut off with who asked for it (a checkpoint, when the agent is done): the server
        # would go on with what it has got, against the next push. That one waits for this one instead.
        pushing = asyncio.ensure_future(self._push(updates))
        pushing.add_done_callback(_nobody_asks)
        await asyncio.shield(pushing)

    async def _push(self, updates: Mapping[str, str]) -> None:
        async with self._lock:
            attempt = 0
            while not await self._try(updates):
                if self._client.absent_s > self._client.grace_s:
                    raise ServerAbsent("The server could not be reached to push the work.")
                await asyncio.sleep(retry_delay(attempt, None, random.random()))  # noqa: S311
                attempt += 1

    async def _try(self, updates: Mapping[str, str]) -> bool:
        """One push; False when the connection or the server failed, after which nothing is known."""
        try:
            if self._remote is None:
                self._remote = await self._advertised()
            commands = [
                (self._remote.get(ref, ZERO), sha, ref)
                for ref, sha in updates.items()
                if self._remote.get(ref) != sha
            ]
            if not commands:
                return True
            report = await self._post(commands)
            reasons = _reasons(report)
            if reasons:
                # One that an earlier process of this runner had begun may have come in between.
                self._remote = await self._advertised()
                if any(self._remote.get(ref, ZERO) != old for old, _, ref in commands):
                    return False
        except (httpx2.TransportError, _Busy) as error:
            log.info("push.retry", error=type(error).__name__)
            self._remote = None
            return False
        if reasons:
            self._remote = None
            raise PushRejected("; ".join([*reasons, report.messages.strip()]).strip("; "))
        moved = {ref: new for _, new, ref in commands}
        self._remote = {**(self._remote or {}), **moved}
        return True

    async def _post(self, commands: Sequence[tuple[str, str, str]]) -> Report:
        """Pack, send and read the report."""
        pushed = set((self._remote or {}).values())
        # A save is beside what is pushed, not behind it: that its files are there git knows only if told.
        known = {*self._known, *pushed, *(f"{sha}^{{tree}}" for sha in pushed)}
        await self._git.pack([new for _, new, _ in commands], sorted(known), self._spool)
        head = encode_push_request(commands, CAPABILITIES)
        size = len(head) + self._spool.stat().st_size
        response = await self._client.http.post(
            f"{self._job.repo.clone_url}/git-receive-pack",
            content=_body(head, self._spool),
            headers={
                "Content-Type": "application/x-git-receive-pack-request",
                "Content-Length": str(size),
            },
            auth=self._auth,
            timeout=PUSH_TIMEOUT,
        )
        self._spool.unlink(missing_ok=True)
        _check(response)
        try:
            return parse_report(response.content)
        except BadRequest as error:
            raise PushRejected(error.detail) from None

    async def _advertised(self) -> dict[str, str]:
        """Where this attempt's refs stand on the server."""
        response = await self._client.http.get(
            f"{self._job.repo.clone_url}/info/refs?service=git-receive-pack", auth=self._auth
        )
        _check(response)
        found: dict[str, str] = {}
        for packet in decode(response.content):
            if isinstance(packet, bytes) and b" refs/" in packet:
                sha, _, ref = packet.partition(b"\0")[0].strip().decode().partition(" ")
                found[ref] = sha
        own = self._job.push_prefix.rstrip("/").rpartition("/")[0] + "/"
        return {ref: sha for ref, sha in found.items() if ref.startswith(own)}

    @property
    def _auth(self) -> tuple[str, str]:
        return self._job.repo.username, self._job.repo.password


def _reasons(report: Report) -> list[str]:
    """Why the server took nothing; empty when it took everything."""
    reasons = [f"{ref}: {why}" for ref, why in report.refs.items() if why is not None]
    return reasons if report.unpack == "ok" else [f"unpack: {report.unpack}", *reasons]


def _nobody_asks(pushing: asyncio.Future[None]) -> None:
    """Whoever wanted to know has been told, or has gone."""
    if not pushing.cancelled():
        pushing.exception()


class _Busy(Exception):
    """The server is there but cannot take it now."""


def _check(response: httpx2.Response) -> None:
    status = response.status_code
    if status in RETRIED or status >= 500:
        raise _Busy
    if status >= 400:
        raise PushRejected(f"The server answered {status}: {response.text[:500]}")


async def _body(head: bytes, spool: Path) -> AsyncIterator[bytes]:
    yield head
    with spool.open("rb") as file:
        while chunk := await asyncio.to_thread(file.read, READ_SIZE):
            yield chunk
