"""One running transfer: a git child, the body pumped into it, its output pumped out.

It runs as a task of its own, because it must outlive its client: one that goes away in the middle
has its child ended in order (close stdin, drain, wait, SIGTERM, SIGKILL), and a push that was
complete by then still counts. Locks and slots are held by that task.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from lazyaf.domain.errors import BadRequest, DiedSilent, GitFailed, LazyafError
from lazyaf.git import command
from lazyaf.git.body import Body, ClientGone
from lazyaf.git.child import Child
from lazyaf.git.gate import Gate
from lazyaf.git.pktline import Command, ReportReader
from lazyaf.git.storage import Storage

logger = logging.getLogger(__name__)

GRACE: Final = 3.0
"""Seconds between closing stdin, SIGTERM and SIGKILL."""

NOTICE: Final = 0.5
"""Seconds to end by itself for one that must go: a push that reads its end tidies up best."""

AHEAD: Final = 16
"""Chunks of output that wait for a slow client before git does."""


OnUpdated = Callable[[list[Command]], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """What to run. ``commands`` are those of a push, as asked; ``stall`` is for how many seconds
    the client may take nothing."""

    repo_id: str
    service: str
    args: Sequence[str]
    env: dict[str, str]
    stall: float
    commands: Sequence[Command] = ()
    key: str | None = None
    still_allowed: Callable[[], Awaitable[bool]] | None = None
    on_updated: OnUpdated | None = None


class RunningPack:
    """A transfer, running from the moment it is made; read its `chunks`."""

    def __init__(self, storage: Storage, transfer: Transfer, body: Body) -> None:
        self._storage = storage
        self._transfer = transfer
        self._body = body
        self._output: asyncio.Queue[bytes | None] = asyncio.Queue(AHEAD)
        self._report = ReportReader() if transfer.commands else None
        self._failure: Exception | None = None
        self._spoke = False
        self._unheard = False
        self._queued = True
        self._patience: float | None = None
        self._process: Child | None = None
        self._feeder: asyncio.Task[None] | None = None
        self._ender: asyncio.Task[None] | None = None
        self._exited = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """The child's output, then whatever failed as an exception. Leaving early abandons it."""
        try:
            while (chunk := await self._output.get()) is not None:
                yield chunk
            if self._failure is not None:
                raise self._failure
        finally:
            self._abandon()

    async def end(self, reason: LazyafError) -> None:
        """End it now, and return when the child is gone."""
        self._failure = self._failure or reason
        self._wind_down(NOTICE)
        await self._exited.wait()

    def _abandon(self) -> None:
        """The client is gone: a push gets its grace to finish what it has, a fetch is over."""
        self._wind_down(GRACE if self._transfer.commands else 0)

    def _wind_down(self, patience: float) -> None:
        """Output goes nowhere from here on (whoever waits to put some wakes up), and the child is
        signalled after ``patience`` seconds."""
        self._unheard = True
        while not self._output.empty():
            self._output.get_nowait()
        if self._exited.is_set():
            return
        self._patience = patience if self._patience is None else min(patience, self._patience)
        if self._queued:
            self._task.cancel()
        elif self._process is not None:
            previous, self._ender = self._ender, asyncio.create_task(self._end(self._process))
            if previous is not None:
                previous.cancel()

    async def _end(self, process: Child) -> None:
        if self._feeder is not None:
            self._feeder.cancel()
        patience = self._patience
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    await self._exited.wait()
                return
            process.signal(number)
            patience = GRACE

    async def _run(self) -> None:
        try:
            await self._hold()
        except asyncio.CancelledError:
            if not self._unheard:  # the server itself is ending
                raise
        except Exception as failure:
            self._failure = self._failure or failure
            if self._unheard:
                logger.exception("A transfer failed after its client had gone")
        finally:
            self._exited.set()
        await self._offer(None)

    async def _hold(self) -> None:
        transfer, storage = self._transfer, self._storage
        async with storage.shared(transfer.repo_id):
            with storage.running(transfer.repo_id, transfer.key, self):
                async with storage.slot(transfer.service):
                    self._queued = False
                    status, words = await self._run_child()
                self._exited.set()
            await self._tell()
        if self._feeder is not None:  # what git did not want must still be read
            await asyncio.wait({self._feeder})
        if status and not self._spoke and self._failure is None:
            verb = transfer.service.removeprefix("git-")
            # Some requests make git abort; only who kills it from outside is not to blame on them.
            kind = GitFailed if -status in {signal.SIGTERM, signal.SIGKILL} else DiedSilent
            self._failure = kind(command.failure(verb, status, words))

    async def _run_child(self) -> tuple[int, str]:
        """Status and complaints of the child, which is gone afterwards."""
        transfer = self._transfer
        gate = Gate(transfer.still_allowed) if transfer.still_allowed else None
        try:
            process = self._process = await command.start(
                transfer.args,
                env=transfer.env | (gate.env if gate else {}),
                pass_fds=gate.child_fds if gate else (),
            )
            return await self._pump(process, gate)
        finally:
            if gate is not None:
                gate.close()

    async def _pump(self, process: Child, gate: Gate | None) -> tuple[int, str]:
        self._feeder = asyncio.create_task(self._feed(process))
        words = asyncio.create_task(_last_words(process))
        answer = asyncio.create_task(gate.serve()) if gate else None
        if self._patience is not None:  # it was ended while it was being started
            self._wind_down(self._patience)
        try:
            if gate is not None:
                gate.started()
            await self._read(process)
            return await process.wait(), await words
        except BaseException:
            self._feeder.cancel()
            words.cancel()
            await command.reap(process)
            raise
        finally:
            if answer is not None:
                answer.cancel()

    async def _read(self, process: Child) -> None:
        assert process.stdout is not None  # noqa: S101 - it was asked for
        while chunk := await process.stdout.read(command.READ_SIZE):
            self._spoke = True
            if self._report is not None:
                self._report.feed(chunk)
            await self._offer(chunk)

    async def _offer(self, chunk: bytes | None) -> None:
        """Hand a chunk to the client, unless it is gone; the end (None) is always told."""
        if self._unheard and chunk is not None:
            return
        try:
            async with asyncio.timeout(self._transfer.stall):
                await self._output.put(chunk)
        except TimeoutError:
            self._abandon()

    async def _feed(self, process: Child) -> None:
        assert process.stdin is not None  # noqa: S101 - it was asked for
        try:
            await self._copy_body(process)
        except ClientGone:
            # Nobody hears it; it is the reason for a child that is ended before it has spoken.
            self._failure = self._failure or BadRequest("The request ended before its end.")
            self._abandon()
        except LazyafError as refused:
            self._failure = self._failure or refused
        finally:
            process.stdin.close()

    async def _copy_body(self, process: Child) -> None:
        while piece := await self._body.read():
            try:
                await process.write(piece)
            except ConnectionError:  # git has heard enough
                await self._body.discard()
                return

    async def _tell(self) -> None:
        """Say which refs moved, as git reported them."""
        report = self._report.report() if self._report is not None else None
        if report is None or self._transfer.on_updated is None:
            return
        moved = [c for c in self._transfer.commands if report.refs.get(c[2], "absent") is None]
        if moved:
            await self._transfer.on_updated(moved)


async def _last_words(process: Child) -> str:
    """The end of what the child complained about."""
    assert process.stderr is not None  # noqa: S101 - it was asked for
    words = b""
    while chunk := await process.stderr.read(4_096):
        words = (words + chunk)[-4_096:]
    return words.decode(errors="replace").strip()
