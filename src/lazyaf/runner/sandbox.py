"""What stands between an agent and the machine, and the handle of what runs inside it.

Two kinds with one interface: `lazyaf.runner.bubblewrap.Bubblewrap`, and `Unsandboxed`, which isolates
nothing but still ends everything that it started. `detect` finds out which one works here and says
so honestly. The network is the host's unless a caller takes it away: the host's loopback can be
reached from inside, so nothing there may be open without a credential (rule R4).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from lazyaf.domain.errors import GitFailed
from lazyaf.domain.runners import Isolation
from lazyaf.runner import processes, reaper

READ_SIZE: Final = 64 * 1024
SIGNAL_BASE: Final = 128


@dataclass(frozen=True, slots=True)
class View:
    """What a command sees: where it stands, its whole environment and the directories it may use.

    Paths are the same inside and outside. ``network`` False leaves only a loopback of its own.
    """

    cwd: Path
    env: Mapping[str, str]
    writable: tuple[Path, ...] = ()
    read_only: tuple[Path, ...] = ()
    network: bool = True


class Running:
    """A command in a sandbox. ``stdin``, ``stdout`` and ``stderr`` are the process's streams."""

    def __init__(self, process: asyncio.subprocess.Process, init_fd: int | None = None) -> None:
        self._process = process
        self._init_fd = init_fd
        self._empty = asyncio.Event()
        self._watch_init()
        self.stdin = process.stdin
        self.stdout = process.stdout
        self.stderr = process.stderr

    @property
    def pid(self) -> int:
        """The monitor's process id; everything in the sandbox descends from it."""
        return self._process.pid

    async def wait(self) -> int:
        """The command's exit code, negative for a signal, once nothing in the sandbox is alive."""
        code = await self._process.wait()
        await self._empty.wait()
        return SIGNAL_BASE - code if SIGNAL_BASE < code <= SIGNAL_BASE + signal.SIGRTMAX else code

    def terminate(self) -> None:
        """Ask every process inside to end (SIGTERM); a shell would not pass it on."""
        inside = processes.descendants(self.pid)
        if self._init_fd is not None:
            inside = inside[1:]  # the first is the namespace's init, which has nothing to tidy up
        processes.send(inside, signal.SIGTERM)

    async def end(self, grace: float) -> None:
        """`terminate`, and `kill` what is left after ``grace`` seconds."""
        self.terminate()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace):
                await self.wait()
        await self.kill()

    async def kill(self) -> None:
        """End everything inside, detached or not, and return when it is gone.

        What it said is still to be read, and must be: see `close`.
        """
        self._kill()
        await self.wait()

    async def close(self) -> None:
        """`kill` for one whose output is of no more interest; nothing of it is left open."""
        self._kill()
        _close_pipes(self._process)
        await self.wait()

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            if self._init_fd is not None:
                signal.pidfd_send_signal(self._init_fd, signal.SIGKILL)
            elif self._process.returncode is None:
                self._process.terminate()  # `reaper` ends the rest; a dead bubblewrap needs nothing

    def _watch_init(self) -> None:
        """A PID namespace is empty when its init has died, a moment after the monitor has left."""
        if self._init_fd is None:
            self._empty.set()
        else:
            asyncio.get_running_loop().add_reader(self._init_fd, self._init_died)

    def _init_died(self) -> None:
        if self._init_fd is not None:
            asyncio.get_running_loop().remove_reader(self._init_fd)
            os.close(self._init_fd)
            self._init_fd = None
        self._empty.set()


class Sandbox(Protocol):
    """A way to start commands. ``reason`` says why it is no stronger one."""

    isolation: Isolation
    reason: str | None

    async def start(
        self,
        command: Sequence[str],
        view: View,
        *,
        stdin: int | None = subprocess.PIPE,
    ) -> Running:
        """Start a command with pipes for its output. Raises `OSError` when it cannot be started."""
        ...


class Unsandboxed:
    """No isolation: the agent is the runner's user. Ending still reaches everything (`reaper`)."""

    def __init__(self, reason: str, isolation: Isolation = Isolation.NONE) -> None:
        self.isolation = isolation
        self.reason: str | None = reason

    def argv(self, command: Sequence[str]) -> list[str]:
        """The monitor, then the command."""
        return [sys.executable, "-I", "-S", str(Path(reaper.__file__)), *command]

    async def start(
        self, command: Sequence[str], view: View, *, stdin: int | None = subprocess.PIPE
    ) -> Running:
        """See `Sandbox.start`."""
        process = await asyncio.create_subprocess_exec(
            *self.argv(command),
            cwd=view.cwd,
            env=dict(view.env),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        return Running(process)


@dataclass(frozen=True, slots=True)
class Captured:
    """How a short command ended. ``stdout`` is whole or the command failed."""

    returncode: int
    stdout: bytes
    stderr: str

    @property
    def text(self) -> str:
        """The output as text without its last newline."""
        return self.stdout.decode("utf-8", "replace").rstrip("\n")


async def capture(
    sandbox: Sandbox,
    command: Sequence[str],
    view: View,
    *,
    stdin: bytes = b"",
    seconds: float = 120.0,
    limit: int = 16 * 1024 * 1024,
) -> Captured:
    """Run a short command to its end. Raises `GitFailed` past ``seconds`` or ``limit`` bytes."""
    running = await sandbox.start(command, view)
    try:
        async with asyncio.timeout(seconds):
            _, stdout, stderr = await asyncio.gather(
                write_all(running.stdin, stdin),
                _read(running.stdout, limit),
                _read(running.stderr, limit),
            )
            code = await running.wait()
    except TimeoutError:
        raise GitFailed(f"{' '.join(command[:2])} took longer than {seconds:g} s.") from None
    finally:
        await running.close()
    return Captured(code, stdout, stderr.decode("utf-8", "replace").strip())


async def write_all(stream: asyncio.StreamWriter | None, data: bytes) -> None:
    """Write and close; a reader that left early is no error (uvloop says so by a RuntimeError)."""
    if stream is None:
        return
    with contextlib.suppress(BrokenPipeError, ConnectionResetError, RuntimeError):
        stream.write(data)
        await stream.drain()
    stream.close()
    with contextlib.suppress(BrokenPipeError, ConnectionResetError, RuntimeError):
        await stream.wait_closed()


async def _read(stream: asyncio.StreamReader | None, limit: int) -> bytes:
    """Everything up to the end. Raises `GitFailed` past ``limit``."""
    data = bytearray()
    while stream is not None and (chunk := await stream.read(READ_SIZE)):
        data += chunk
        if len(data) > limit:
            raise GitFailed(f"A command in the work tree said more than {limit:,} bytes.")
    return bytes(data)


def _close_pipes(process: asyncio.subprocess.Process) -> None:
    """Let go of a child's pipes; what it said and nobody read is lost.

    asyncio does so only at the end of each, and where nobody reads any more that end never comes:
    the pipes stay open, and waiting for the child can take for ever.
    """
    transport = process._transport  # type: ignore[attr-defined] # nothing public leads to them
    for number in range(3):
        pipe = transport.get_pipe_transport(number)
        if pipe is not None:
            pipe.close()
