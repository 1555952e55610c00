"""The processes' own log."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

LOG = """
import structlog
from lazyaf.stderr import log_to_stderr
log_to_stderr()
log = structlog.get_logger("test")
password = "hunter2-hunter2"
try:
    1 / 0
except ZeroDivisionError as error:
    log.error("it.broke", exc_info=error)
log.debug("not.said")
print("went on")
"""


def log(stderr: int) -> subprocess.CompletedProcess[str]:
    """A process that logs there."""
    return subprocess.run(
        [sys.executable, "-c", LOG], stdout=subprocess.PIPE, stderr=stderr, text=True, check=False
    )


def test_an_error_is_told_with_its_traceback_and_without_the_values_of_variables() -> None:
    done = log(subprocess.PIPE)

    assert "it.broke" in done.stderr
    assert "ZeroDivisionError" in done.stderr
    assert "hunter2" not in done.stderr.replace('password = "hunter2-hunter2"', "")
    assert "not.said" not in done.stderr


def closed_pipe() -> int:
    reading, writing = os.pipe()
    os.close(reading)
    return writing


@pytest.mark.parametrize("where", [lambda: os.open("/dev/full", os.O_WRONLY), closed_pipe])
def test_a_log_that_nobody_takes_stops_nothing(where: object) -> None:
    assert callable(where)
    descriptor: int = where()
    try:
        done = log(descriptor)
    finally:
        os.close(descriptor)

    assert done.returncode == 0
    assert done.stdout == "went on\n"
