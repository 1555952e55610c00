"""Local runners: child processes that speak exactly the protocol that remote ones speak.

Each has a directory with a lock that it holds for its whole life, so a server that starts after a
crash knows at once which ones still live: those are left alone (they register again by themselves),
the dead are started again where they stopped (rules.md R15).
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import structlog

from lazyaf.domain.errors import Invalid
from lazyaf.domain.events import NewEvent
from lazyaf.domain.runners import Isolation, PoolKind, RunnerEnd

log = structlog.get_logger(__name__)

MAX_COUNT: Final = 64
CHECK_S: Final = 1.0
STOP_GRACE_S: Final = 4.0
RESTART_MAX_S: Final = 30.0


Lost = Callable[[str, RunnerEnd], Awaitable[None]]
Tell = Callable[[str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class ProcessPoolConfig:
    """How local runners are started. ``argv`` is the command without its per-runner options, ``hide``
    the server's data directory, which no agent may see."""

    argv: Sequence[str]
    server_url: str
    token_file: Path
    root: Path
    work_dir: Path
    isolation: str
    detected: Isolation
    hide: Path


class ProcessPool:
    """Keeps N runner processes alive.

    ``on_lost`` is told the name of a runner that is dead, ``on_restart`` that of one that is started
    again where it stopped; ``on_drain`` asks the server to let one finish and leave. ``known`` names
    those that the server believes to live, ``busy`` those that have a job.
    """

    kind = PoolKind.PROCESS

    def __init__(
        self,
        config: ProcessPoolConfig,
        count: int,
        *,
        on_lost: Lost,
        on_restart: Tell,
        on_drain: Tell,
        known: Callable[[], Awaitable[Sequence[str]]],
        busy: Callable[[], Awaitable[Collection[str]]],
    ) -> None:
        self._config = config
        self._target = count
        self._on_lost = on_lost
        self._on_restart = on_restart
        self._on_drain = on_drain
        self._known = known
        self._busy = busy
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._adopted: set[str] = set()
        self._draining: set[str] = set()
        self._failures = 0
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Adopt what lives, start again what died with its server, then fill up.

        A runner that is started again has its claim, its outbox and its work tree: it goes on with
        the very attempt, so that not even the last lines of a killed machine are lost.
        """
        self._config.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in sorted(self._config.root.glob("local-*"), key=lambda f: _number(f.name)):
            if _is_locked(folder / "lock"):
                self._adopted.add(folder.name)
                log.info("runner_adopted", name=folder.name)
        for folder in sorted(self._config.root.glob("local-*"), key=lambda f: _number(f.name)):
            if folder.name not in self._adopted:
                await self._revive(folder)
        for name in await self._known():
            if not (self._config.root / name).is_dir():
                # Its directory was not restored, or is deleted: no attempt is spent, and its name is free.
                await self._on_lost(name, RunnerEnd.WITH_SERVER)
        self._fill()
        self._task = asyncio.create_task(self._watch(), name="process-pool")

    async def _revive(self, folder: Path) -> None:
        if len(self._names()) < self._target:
            await self._on_restart(folder.name)
            self._children[folder.name] = self._spawn(folder.name)
            return
        # Nobody takes its place. It died with its server: no attempt is spent.
        await self._on_lost(folder.name, RunnerEnd.WITH_SERVER)
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def scale(self, count: int, *, now: bool = False) -> None:
        """Ask for this many. Surplus ones, first those that have nothing to do, finish their job, or with
        ``now`` save it, and leave; so do then those that were to finish theirs."""
        self._target = min(count, MAX_COUNT)
        leaving = await self._surplus()
        if now:
            leaving += self._draining
        for name in leaving:
            self._draining.add(name)
            await self._on_drain(name)
            if now and (pid := self._pid(name)) is not None:
                _signal(pid, signal.SIGTERM)
        self._fill()

    async def _surplus(self) -> list[str]:
        busy = await self._busy()
        first_to_leave = sorted(self._names(), key=lambda name: (name in busy, -_number(name)))
        return first_to_leave[: max(0, len(first_to_leave) - self._target)]

    async def remake(self, changes: Mapping[str, Any]) -> None:
        """There is nothing to make otherwise: always `Invalid`."""
        del changes
        raise Invalid.field(
            "pool",
            "Local runners have no containers, and so neither an image nor limits. "
            "`lazyaf serve --pool docker` runs jobs in containers.",
        )

    async def stop(self) -> None:
        """SIGTERM to every runner, then SIGKILL to what is left after the grace."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        pids = [child.pid for child in self._children.values()]
        pids += [pid for name in self._adopted if (pid := self._pid(name)) is not None]
        for pid in pids:
            _signal(pid, signal.SIGTERM)
        await asyncio.to_thread(self._await_end, pids)

    def _await_end(self, pids: Sequence[int]) -> None:
        deadline = time.monotonic() + STOP_GRACE_S
        for child in self._children.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(max(0.0, deadline - time.monotonic()))
        while time.monotonic() < deadline and any(map(self._adopted_alive, self._adopted)):
            time.sleep(0.02)
        for pid in pids:
            _signal(pid, signal.SIGKILL)
        for child in self._children.values():
            child.wait()

    def _adopted_alive(self, name: str) -> bool:
        return _is_locked(self._config.root / name / "lock")

    def heard(self, events: Sequence[NewEvent]) -> None:
        """Nothing that happens on the board is of use to processes."""

    def describe(self) -> dict[str, object]:
        """What the panel shows of this pool."""
        weak = self._config.detected is Isolation.NONE
        return {
            "kind": self.kind.value,
            "target": self._target,
            "available": True,
            "reason": "Agents run without isolation: bubblewrap is missing or does not work here."
            if weak
            else None,
            "fix": "Install it (`apt install bubblewrap`), then restart LazyAF." if weak else None,
            "isolation": self._config.detected.value,
            "max_count": MAX_COUNT,
        }

    def _names(self) -> list[str]:
        """Runners that count: alive and not asked to leave."""
        alive = [*self._children, *self._adopted]
        return [name for name in alive if name not in self._draining]

    def _fill(self) -> None:
        taken = {*self._children, *self._adopted}
        number = 1
        while len(self._names()) < self._target:
            while f"local-{number}" in taken:
                number += 1
            name = f"local-{number}"
            taken.add(name)
            self._children[name] = self._spawn(name)

    def _spawn(self, name: str) -> subprocess.Popen[bytes]:
        folder = self._config.root / name
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        argv = [
            *self._config.argv,
            "runner",
            "--server",
            self._config.server_url,
            "--token-file",
            str(self._config.token_file),
            "--name",
            name,
            "--pool",
            "process",
            "--state-dir",
            str(folder),
            "--work-dir",
            str(self._config.work_dir),
            "--isolation",
            self._config.isolation,
            "--hide",
            str(self._config.hide),
        ]
        with (folder / "runner.log").open("ab") as output:
            # Its own session: a Ctrl+C in the terminal is the server's to pass on.
            child = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                env=_runner_env(),
            )
        (folder / "pid").write_text(f"{child.pid}\n")
        return child

    def _pid(self, name: str) -> int | None:
        try:
            return int((self._config.root / name / "pid").read_text())
        except (OSError, ValueError):
            return None

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(CHECK_S)
            dead = [name for name, child in self._children.items() if child.poll() is not None]
            dead += [name for name in self._adopted if not self._adopted_alive(name)]
            for name in dead:
                await self._bury(name)
            if dead:
                await asyncio.sleep(min(RESTART_MAX_S, 0.5 * 2**self._failures) - 0.5)
                self._fill()

    async def _bury(self, name: str) -> None:
        child = self._children.pop(name, None)
        self._adopted.discard(name)
        was_asked = name in self._draining
        self._draining.discard(name)
        failed = child is not None and child.returncode != 0 and not was_asked
        # A runner that dies at once, again and again, must not keep the machine busy with it.
        self._failures = min(self._failures + 1, 6) if failed else 0
        log.info("runner_ended", name=name, code=child.returncode if child else None)
        await self._on_lost(name, RunnerEnd.SENT_AWAY if was_asked else RunnerEnd.DIED)


def _runner_env() -> dict[str, str]:
    """The runner's environment: the server's, without what is the server's alone."""
    secret = ("LAZYAF_DATABASE_URL", "LAZYAF_PASSWORD_FILE", "LAZYAF_TOKEN", "LAZYAF_RUNNER_TOKEN")
    return {key: value for key, value in os.environ.items() if key not in secret}


def _number(name: str) -> int:
    return int(name.removeprefix("local-"))


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _is_locked(path: Path) -> bool:
    """Whether a living process holds this lock."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def this_program() -> list[str]:
    """The command that starts this very program."""
    return [sys.executable, "-m", "lazyaf"]
