"""A child process with streams, on any event loop; `lazyaf.git.command` is who starts them.

uvloop's own way to start one forks, which copies the page tables of the whole server: some 5 ms in
which the loop serves nobody (on two slow cores, with 100 MB resident), many times a second while
people clone. `subprocess` uses ``vfork`` and needs a tenth of that, so it starts the child. The loop
gets socket pairs, whose ends each have one owner (uvloop closes the descriptor of a pipe twice), and
a handle that becomes readable when the child ends (Linux's ``pidfd``).
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
from asyncio import StreamReader, StreamWriter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Final

READ_LIMIT: Final = 262_144
"""Bytes that may wait in each stream before the child does."""


class Child:
    """A running child in a session of its own. `Child.start` makes one."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self.pid = process.pid
        self.stdin: StreamWriter | None = None
        self.stdout: StreamReader | None = None
        self.stderr: StreamReader | None = None
        self._writers: list[StreamWriter] = []
        self._ended = asyncio.Event()
        self._handle = os.pidfd_open(process.pid)
        asyncio.get_running_loop().add_reader(self._handle, self._reap)

    @classmethod
    async def start(
        cls,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path | None,
        streams: Sequence[int | None],
        pass_fds: Sequence[int],
    ) -> Child:
        """Start it. ``streams`` are stdin, stdout and stderr as in `subprocess.Popen`, where ``PIPE``
        makes the stream of that name. Raises `OSError` when it cannot be started."""
        with ExitStack() as stack:
            ours: list[socket.socket | None] = []
            theirs: list[int | None] = []
            for wanted in streams:
                if wanted == subprocess.PIPE:
                    near, far = map(stack.enter_context, socket.socketpair())
                    ours.append(near)
                    theirs.append(far.fileno())
                else:
                    ours.append(None)
                    theirs.append(wanted)
            process = subprocess.Popen(  # noqa: ASYNC220 - see the module
                argv,
                env=env,
                cwd=cwd,
                stdin=theirs[0],
                stdout=theirs[1],
                stderr=theirs[2],
                pass_fds=tuple(pass_fds),
                start_new_session=True,
            )
            child = cls(process)
            try:
                await child._connect(ours)
            except BaseException:
                child.signal(signal.SIGKILL)
                child.close_streams()
                await asyncio.shield(child.wait())
                raise
            return child

    @property
    def returncode(self) -> int | None:
        """As in `subprocess.Popen`; None while it runs."""
        return self._process.returncode

    async def wait(self) -> int:
        """Its status, once it has ended. What its streams still hold can be read afterwards."""
        await self._ended.wait()
        return self._process.returncode

    async def write(self, piece: bytes) -> None:
        """Give it this to read. Raises `ConnectionError` when it has heard enough (uvloop would say so
        by a `RuntimeError`)."""
        assert self.stdin is not None  # noqa: S101 - it was asked for
        if self.stdin.is_closing():
            raise ConnectionResetError
        self.stdin.write(piece)
        await self.stdin.drain()

    async def communicate(self, said: bytes | None = None) -> tuple[bytes, bytes]:
        """Give it this to read, and return all that it wrote, once it has ended."""
        _, stdout, stderr = await asyncio.gather(
            self._tell(said), _whole(self.stdout), _whole(self.stderr)
        )
        await self.wait()
        return stdout, stderr

    def signal(self, number: signal.Signals) -> None:
        """Signal it together with its own children; one that is gone is fine."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def close_streams(self) -> None:
        """Let go of the streams; what it wrote and nobody read is lost."""
        for writer in self._writers:
            writer.close()

    async def _connect(self, ours: Sequence[socket.socket | None]) -> None:
        loop = asyncio.get_running_loop()
        readers: list[StreamReader | None] = []
        for near in ours:
            reader = None
            if near is not None:
                reader = StreamReader(READ_LIMIT)
                # The caller closes its object at once; the loop's is another.
                pipe, protocol = await loop.create_unix_connection(
                    partial(_UntilItsEnd, reader), sock=near.dup()
                )
                self._writers.append(StreamWriter(pipe, protocol, None, loop))
            readers.append(reader)
        if ours[0] is not None:
            self.stdin = self._writers[0]
        self.stdout, self.stderr = readers[1:]

    async def _tell(self, said: bytes | None) -> None:
        if self.stdin is None:
            return
        with suppress(ConnectionError):
            await self.write(said or b"")
        self.stdin.close()

    def _reap(self) -> None:
        asyncio.get_running_loop().remove_reader(self._handle)
        os.close(self._handle)
        self._process.wait()
        self._ended.set()


class _UntilItsEnd(asyncio.StreamReaderProtocol):
    """Closes the stream when the child closed its end; what was read is kept."""

    def eof_received(self) -> bool:
        """Nothing more can come or go."""
        super().eof_received()
        return False


async def _whole(reader: StreamReader | None) -> bytes:
    return b"" if reader is None else await reader.read()
