"""A process's own log: lines on stderr. That they cannot be written is no reason for it to fail: a terminal
is closed, a disk is full, and what the process does must go on all the same."""

from __future__ import annotations

import contextlib
import os
from typing import Final

STDERR: Final = 2


class StderrLogger:
    """What structlog writes to."""

    def msg(self, message: str) -> None:
        """A line, if stderr takes it."""
        with contextlib.suppress(OSError):
            os.write(STDERR, f"{message}\n".encode(errors="replace"))

    log = debug = info = warn = warning = error = exception = critical = fatal = failure = err = msg


def stderr_logger(*_: object) -> StderrLogger:
    """A logger factory for `structlog.configure`."""
    return StderrLogger()
