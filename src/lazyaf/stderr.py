"""A process's own log: lines on stderr. That they cannot be written is no reason for it to fail: a terminal
is closed, a disk is full, and what the process does must go on all the same."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from typing import Final

import structlog

STDERR: Final = 2


class StderrLogger:
    """What structlog writes to."""

    def msg(self, message: str) -> None:
        """A line, if stderr takes it."""
        with contextlib.suppress(OSError):
            os.write(STDERR, f"{message}\n".encode(errors="replace"))

    log = debug = info = warn = warning = error = exception = critical = fatal = failure = err = msg


def log_to_stderr(level: str = "info") -> None:
    """Set structlog up. Tracebacks are plain: with the values of variables, as rich shows them, they
    would hold leases and passwords."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            ),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=lambda *_: StderrLogger(),
    )
