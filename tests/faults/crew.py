"""Runners as processes that a test may kill, freeze or replace, each on a wire of its own."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import psutil

from faults.disk import Disk
from faults.wire import Wire
from support.files import below

LEAVE_S: Final = 15.0
_TICK: Final = re.compile(r"tick (\w+) (\d+)")


class RunnerProcess:
    """``lazyaf runner`` on one machine's disk. ``generation`` counts the machines of this place."""

    def __init__(self, name: str, disk: Disk, wire: Wire, env: Mapping[str, str]) -> None:
        self.wire = wire
        self.disk = disk
        self.is_held = False
        """Nobody may start it at the moment."""
        self._name = name
        self._env = env
        self._generation = 1
        self._process: subprocess.Popen[bytes] | None = None
        self.log_path = disk.folder.with_name(f"{name}.log")

    @property
    def folder(self) -> Path:
        """Where this machine keeps its runner's things."""
        return self.disk.folder / f"machine{self._generation}"

    def start(self) -> None:
        """Start it, if it does not run and may."""
        if self.is_held or self.is_running:
            return
        argv = [sys.executable, "-m", "lazyaf", "runner", "--isolation", "bubblewrap"]
        argv += ["--name", f"{self._name}-{self._generation}", "--server", self.wire.url]
        argv += ["--disk-reserve-mb", "0"]  # a disk here is smaller than that
        argv += ["--state-dir", str(self.folder / "state"), "--work-dir", str(self.folder / "work")]
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                argv, env=self._env, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def processes(self) -> list[psutil.Process]:
        """The runner and everything below it."""
        if self._process is None:
            return []
        with contextlib.suppress(psutil.NoSuchProcess):
            runner = psutil.Process(self._process.pid)
            return [runner, *runner.children(recursive=True)]
        return []

    def signal(self, number: signal.Signals, *, with_agent: bool = False) -> None:
        """Send a signal to the runner, or to everything on its machine."""
        for process in self.processes() if with_agent else self.processes()[:1]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    def kill(self) -> None:
        """kill -9. Its sandbox ends with it."""
        self.signal(signal.SIGKILL)

    def replace(self) -> None:
        """The machine is lost with its disk; another stands in its place."""
        self.buried()
        shutil.rmtree(self.folder, ignore_errors=True)
        self._generation += 1

    def buried(self) -> None:
        """Wait for the end of a process that was killed."""
        if self._process is not None:
            self._process.wait(LEAVE_S)

    def stop(self) -> None:
        """SIGTERM, and SIGKILL for what does not leave."""
        self.signal(signal.SIGCONT, with_agent=True)
        self.signal(signal.SIGTERM)
        try:
            self.buried()
        except subprocess.TimeoutExpired:
            self.kill()
            self.buried()

    def spooled(self) -> dict[str, int]:
        """How far each run of an agent has counted, as the outbox on this disk says."""
        counts: dict[str, int] = {}
        for path in (self.folder / "state").glob("outbox/*.jsonl"):
            with contextlib.suppress(OSError):
                for run, number in _TICK.findall(path.read_text(errors="replace")):
                    counts[run] = max(counts.get(run, 0), int(number))
        return counts

    def trees(self) -> Iterator[Path]:
        """The cards' work trees on this disk, but for those that are kept because the server would not
        take their work."""
        for path in (self.folder / "work" / "trees").glob("*"):
            if path.is_dir() and ".kept-" not in path.name:
                yield path

    def names(self) -> list[str]:
        """Every path on this disk."""
        return [os.fspath(path) for path in below(self.folder)]
