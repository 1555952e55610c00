"""What faults strike: a real server with real runners, wires between them, and one repository."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, Final

import httpx2
import psutil

from faults.crew import RunnerProcess
from faults.disk import Disk
from faults.wire import Trap, Wire
from support.board import Board
from support.history import git, make_repository
from support.server import ServerProcess

RUNNERS: Final = 2
SERVER_MB: Final = 192
RUNNER_MB: Final = 128
LEASE_S: Final = 12.0
RHYTHM: Final = {
    "LAZYAF_LEASE": f"{LEASE_S:g}",
    "LAZYAF_HEARTBEAT": "2",
    "LAZYAF_LONG_POLL": "2",
    "LAZYAF_FIRST_CONTACT": "6",
    "LAZYAF_CHECKPOINT": "0.3",
    "LAZYAF_CANCEL_GRACE": "2",
    "LAZYAF_DISK_RESERVE_MB": "0",
    "LAZYAF_RUNNER_GRACE": "60",
    "LAZYAF_UPKEEP": "0",
}
"""A quick rhythm: what takes a minute with people takes seconds here."""
SETUP_TAG: Final = "faults-setup"
FILES: Final = {
    "README.md": "# Ground for faults\n",
    ".gitattributes": "*.step -text\n",
    ".lazyaf/config.toml": f'[setup]\nrun = ": {SETUP_TAG}; sleep 0.2"\n',
}
FAKETIME: Final = "/usr/lib/*/faketime/libfaketimeMT.so.1"


class Site:
    """See the module. Use as a context manager; ``root`` is a new directory for everything."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.clock = Clock(root / "clock")
        self._stack = ExitStack()

    def __enter__(self) -> Site:
        with ExitStack() as stack:
            self._put_up(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _put_up(self, stack: ExitStack) -> None:
        self.disk = stack.enter_context(Disk(self.root / "server", SERVER_MB))
        self.server = ServerProcess(
            self.disk.folder / "data", {**RHYTHM, **self.clock.env}, "--pool", "none"
        )
        stack.callback(self.end_server)
        self.server.start()
        self.board = Board(self.server)
        self.desk = stack.enter_context(Wire("person", self.server.port))
        self.crew = [self._hire(stack, number) for number in range(RUNNERS)]
        checkout = make_repository(self.root / "checkout", commits=3, files=FILES)
        self.repo = self.board.post("/api/repos", {"name": "ground"})["id"]
        self.internal = self.server.data_dir / "git" / f"{self.repo}.git"
        url = f"{self.server.url}/git/{self.repo}.git".replace(
            "://", f"://lazyaf:{self.server.token}@"
        )
        git(checkout, "push", "-q", url, "main")

    def _hire(self, stack: ExitStack, number: int) -> RunnerProcess:
        wire = stack.enter_context(Wire(f"runner {number}", self.server.port))
        disk = stack.enter_context(Disk(self.root / f"runner{number}", RUNNER_MB))
        token = (self.server.data_dir / "runners" / "token").read_text().strip()
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("LAZYAF_")}
        env = {**inherited, **self.clock.env, "LAZYAF_RUNNER_TOKEN": token}
        runner = RunnerProcess(f"runner{number}", disk, wire, env)
        stack.callback(runner.stop)
        runner.start()
        return runner

    def end_server(self) -> None:
        """kill -9, whatever state it is in."""
        if self.server.is_running:
            self.server.process.send_signal(signal.SIGKILL)
        self.server.bury()

    @property
    def wires(self) -> list[Wire]:
        """Every wire, the person's first."""
        return [self.desk, *(runner.wire for runner in self.crew)]

    def arm(self, trap: Trap | None) -> None:
        """Set a trap on every wire, in the place of the last one."""
        for wire in self.wires:
            wire.trap = trap

    def runner_on(self, wire: Wire) -> RunnerProcess:
        """The runner whose wire this is; the first one for the person's."""
        return next((runner for runner in self.crew if runner.wire is wire), self.crew[0])

    def tend(self) -> None:
        """What a supervisor does: start runners that have ended."""
        for runner in self.crew:
            runner.start()

    def answers(self) -> bool:
        """Whether the server serves."""
        with contextlib.suppress(httpx2.HTTPError):
            return self.server.is_running and bool(
                self.server.client.get("/api/health", timeout=5).is_success
            )
        return False

    def person(self) -> httpx2.Client:
        """A client of the person, on the person's wire."""
        return httpx2.Client(
            base_url=self.desk.url,
            headers={"Authorization": f"Bearer {self.server.token}"},
            timeout=20,
            trust_env=False,
        )

    def processes(self) -> list[psutil.Process]:
        """Everything on this machine: server, runners, agents, and git for any of them."""
        found: list[psutil.Process] = []
        for runner in self.crew:
            found += runner.processes()
        if self.server.is_running:
            with contextlib.suppress(psutil.NoSuchProcess):
                server = psutil.Process(self.server.process.pid)
                found += [server, *server.children(recursive=True)]
        return found

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """What the database holds, whether the server runs or not."""
        path = self.server.data_dir / "lazyaf.db"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as database:
            return database.execute(query, values).fetchall()

    def lock_database(self) -> contextlib.AbstractContextManager[None]:
        """Hold the write lock, as another program would."""

        @contextlib.contextmanager
        def held() -> Iterator[None]:
            path = self.server.data_dir / "lazyaf.db"
            with closing(_shared(path)) as database:
                database.execute("BEGIN IMMEDIATE")
                yield
                database.execute("ROLLBACK")

        return held()


def _shared(path: Path) -> sqlite3.Connection:
    """A connection that one thread opens and another closes."""
    return sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)


class Clock:
    """The wall clock of server and runners, by libfaketime; without it clocks do not jump."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._library = next(iter(sorted(Path("/").glob(FAKETIME.lstrip("/")))), None)
        self.set(0)

    @property
    def can_jump(self) -> bool:
        """Whether libfaketime is there."""
        return self._library is not None

    @property
    def env(self) -> dict[str, str]:
        """What a process needs to go by this clock."""
        if self._library is None:
            return {}
        return {
            "LD_PRELOAD": str(self._library),
            "FAKETIME_TIMESTAMP_FILE": str(self._path),
            "FAKETIME_CACHE_DURATION": "1",
            # Else its waits with a time-out return at once, and threads spin for the interpreter's lock.
            "FAKETIME_FORCE_MONOTONIC_FIX": "0",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }

    def set(self, seconds: int) -> None:
        """Go this much before (or after) the true time from now on."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".new")
        fresh.write_text(f"{seconds:+d}s\n")
        fresh.replace(self._path)
