"""The processes' own log."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

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


TALK = """
import sys
from pathlib import Path
import structlog
from lazyaf import stderr
stderr.LOG_MAX = 1000
stderr.log_to_stderr(path=Path(sys.argv[1]))
log = structlog.get_logger("test")
for number in range(100):
    log.info("line", number=number)
print("on stdout", flush=True)
raise SystemExit("at last")
"""


def talk(path: Path, target: Path) -> None:
    """A process that says much, on a file, which it thinks to be at ``path``."""
    with target.open("ab") as file:
        subprocess.run(
            [sys.executable, "-c", TALK, str(path)], stdout=file, stderr=file, check=False
        )


def test_a_log_file_begins_anew_when_it_is_full_and_the_one_before_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "runner.log"
    talk(path, path)

    assert sorted(file.name for file in tmp_path.iterdir()) == ["runner.log", "runner.log.1"]
    before, now = (tmp_path / "runner.log.1").read_text(), path.read_text()
    assert 1000 < len(before) < 1200
    assert len(now) < 1200
    assert now.endswith("on stdout\nat last\n")
    assert "number=99" in before + now


def test_a_log_that_is_somewhere_else_is_left_alone(tmp_path: Path) -> None:
    path, other = tmp_path / "runner.log", tmp_path / "elsewhere"
    path.touch()
    talk(path, other)

    assert other.read_text().count("number=") == 100
    assert sorted(file.name for file in tmp_path.iterdir()) == ["elsewhere", "runner.log"]
