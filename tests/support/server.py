"""A real server process: ``python -m lazyaf serve`` as its user starts it, with a client for its API.

Used by the tests of the command line and by acceptance and fault tests. It may be killed alone, as a
crash would, or with its runners, as a power cut would.
"""

from __future__ import annotations

import os
import re
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final

import httpx2

START_S: Final = 40.0
STOP_S: Final = 15.0
_URL: Final = re.compile(r"LazyAF is on (\S+)")
_LINK: Final = re.compile(r"^Open (\S+)$", re.MULTILINE)


class ServerProcess:
    """One server on one data directory; may be started again after `stop` or `kill`.

    ``args`` are further options of ``lazyaf serve`` (``"--pool", "none"``), ``env`` further
    variables, ``python`` another interpreter than ours. As a context manager it starts on entering and stops on leaving.
    """

    def __init__(
        self,
        data_dir: Path,
        env: Mapping[str, str] | None = None,
        *args: str,
        port: int = 0,
        python: str = sys.executable,
    ) -> None:
        self.data_dir = data_dir
        self.port = port
        self._env = dict(env or {})
        self._args = args
        self._python = python
        self._process: subprocess.Popen[str] | None = None
        self._client: httpx2.Client | None = None
        self.url = ""
        self.link: str | None = None

    def __enter__(self) -> ServerProcess:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def log_path(self) -> Path:
        """Where its stderr goes; it survives restarts."""
        return self.data_dir.with_name(f"{self.data_dir.name}.log")

    @property
    def process(self) -> subprocess.Popen[str]:
        """The child."""
        assert self._process is not None, "The server was not started."
        return self._process

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def token(self) -> str:
        """The person's token that the server made."""
        return (self.data_dir / "token").read_text().strip()

    @property
    def client(self) -> httpx2.Client:
        """A client with the person's token, on this server."""
        if self._client is None:
            self._client = httpx2.Client(
                base_url=self.url,
                headers={"Authorization": f"Bearer {self.token}"},
                timeout=30,
                trust_env=False,
            )
        return self._client

    def environ(self, **extra: str) -> dict[str, str]:
        """An environment in which ``lazyaf`` finds this server and its token."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("LAZYAF_")}
        return {
            **inherited,
            "LAZYAF_SERVER": self.url,
            "LAZYAF_DATA_DIR": str(self.data_dir),
            **extra,
        }

    def start(self) -> ServerProcess:
        """Start it and wait until it listens. Restarted, it takes the port that it had."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("LAZYAF_")}
        argv = [self._python, "-m", "lazyaf", "serve", "--port", str(self.port), *self._args]
        self.data_dir.parent.mkdir(parents=True, exist_ok=True)
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                argv,
                env={**inherited, "LAZYAF_DATA_DIR": str(self.data_dir), **self._env},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        self._read_announcement()
        return self

    def _read_announcement(self) -> None:
        said = ""
        while not (_URL.search(said) and ("Open" in said or "Without authentication" in said)):
            piece = self._output(START_S)
            if not piece:
                self.kill()
                raise AssertionError(f"The server did not start: {said}{self.log_path.read_text()}")
            said += piece
        found = _URL.search(said)
        assert found is not None
        self.url = found[1]
        self.port = int(self.url.rpartition(":")[2])
        link = _LINK.search(said)
        self.link = link[1] if link is not None else None

    def _output(self, seconds: float) -> str:
        stdout = self.process.stdout
        assert stdout is not None
        deadline = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(stdout, selectors.EVENT_READ)
            if not selector.select(max(0.0, deadline - time.monotonic())):
                return ""
        return os.read(stdout.fileno(), 65_536).decode()

    def stop(self) -> int:
        """SIGTERM, and its exit code. Kills what does not leave in time, and says so."""
        if self._process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"The server did not leave within {STOP_S:g} s.") from None
        self._forget()
        return code

    def kill(self, *, tree: bool = False) -> None:
        """SIGKILL to the server alone; with ``tree`` to its runners, too."""
        for pid in [*(self.runner_pids() if tree else ()), self.process.pid]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.bury()

    def bury(self) -> None:
        """Wait for the end of what was killed, if anything is there."""
        if self._process is not None:
            self.process.wait()
            self._forget()

    def runner_pids(self) -> list[int]:
        """The local runners' processes; some may be gone."""
        return [int(path.read_text()) for path in (self.data_dir / "runners").glob("local-*/pid")]

    def _forget(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None
        if self.process.stdout is not None:
            self.process.stdout.close()
        self._process = None
