"""A process's own log: lines on stderr. That they cannot be written is no reason for it to fail: a terminal
is closed, a disk is full, and what the process does must go on all the same."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from pathlib import Path
from typing import Final

import structlog

STDOUT: Final = 1
STDERR: Final = 2
LOG_MAX: Final = 10 * 1024 * 1024
"""Bytes of a log file. With the one before it there are two."""


class StderrLogger:
    """What structlog writes to. Where stderr is the file ``path`` it begins anew when it is full, and the
    full one is kept under ``<path>.1``."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path

    def msg(self, message: str) -> None:
        """A line, if stderr takes it."""
        with contextlib.suppress(OSError):
            os.write(STDERR, f"{message}\n".encode(errors="replace"))
            if self._path is not None and os.fstat(STDERR).st_size > LOG_MAX:
                _begin_anew(self._path)

    log = debug = info = warn = warning = error = exception = critical = fatal = failure = err = msg


def log_to_stderr(level: str = "info", path: Path | None = None) -> None:
    """Set structlog up; ``path`` as for `StderrLogger`. Tracebacks are plain: with the values of variables,
    as rich shows them, they would hold leases and passwords."""
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
        logger_factory=lambda *_: StderrLogger(path),
    )


def _begin_anew(path: Path) -> None:
    """Whatever this process says goes to a fresh file, its last words after a crash included."""
    full = os.fstat(STDERR)
    if not os.path.samestat(full, path.stat()):
        return  # stderr is something else
    path.replace(path.with_name(f"{path.name}.1"))
    fresh = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for number in (STDOUT, STDERR):
        if os.path.samestat(os.fstat(number), full):
            os.dup2(fresh, number)
    os.close(fresh)
