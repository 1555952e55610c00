"""A server of a command's own: a child on a free port, with a data directory that is thrown away."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Final

from lazyaf.cli.failures import Failure

STOP_S: Final = 15.0
_URL: Final = re.compile(r"^LazyAF is on (\S+)$")


class OwnServer:
    """`lazyaf serve` as a child from entering to leaving; ``url`` and ``token`` are its own."""

    def __init__(self, folder: Path) -> None:
        self._data_dir = folder / "data"
        self._log = folder / "server.log"

    def __enter__(self) -> OwnServer:
        argv = [sys.executable, "-m", "lazyaf", "serve", "--port", "0", "--runners", "1"]
        env = {k: v for k, v in os.environ.items() if not k.startswith("LAZYAF_")}
        with self._log.open("wb") as log:
            # Its own session: Ctrl+C is ours, and we end it in order.
            self._child = subprocess.Popen(
                [*argv, "--data-dir", str(self._data_dir)],
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        try:
            self.url = self._announced()
            self.token = (self._data_dir / "token").read_text("utf-8").strip()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def _announced(self) -> str:
        """The URL that it prints once it listens."""
        for line in self._child.stdout or ():
            found = _URL.match(line)
            if found is not None:
                return found[1]
        raise Failure(f"The server did not start: {self._log.read_text('utf-8')[-2_000:].strip()}")

    def _end(self) -> None:
        self._child.terminate()
        try:
            self._child.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        if self._child.stdout is not None:
            self._child.stdout.close()
