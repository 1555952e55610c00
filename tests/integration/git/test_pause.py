"""While a backup copies, nothing is taken away; while something is, a backup waits (rules.md R6)."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

from lazyaf.git.pause import LOCK, copying, removing
from support.waiting import until


def nobody() -> None:
    raise AssertionError("there is nobody to wait for")


def test_many_may_remove_at_once(tmp_path: Path) -> None:
    with removing(tmp_path) as first, removing(tmp_path) as second:
        assert first
        assert second


def test_nothing_is_removed_while_a_backup_is_made(tmp_path: Path) -> None:
    with copying(tmp_path, nobody), removing(tmp_path) as may_remove:
        assert not may_remove
    with removing(tmp_path) as may_remove:
        assert may_remove


def test_a_backup_waits_for_what_is_being_removed_and_says_so(tmp_path: Path) -> None:
    told, began = threading.Event(), threading.Event()

    def back_up() -> None:
        with copying(tmp_path, told.set):
            began.set()

    with removing(tmp_path):
        backing_up = threading.Thread(target=back_up)
        backing_up.start()
        assert told.wait(30)
        assert not began.is_set()
    assert began.wait(30)
    backing_up.join()


def test_a_backup_that_is_killed_holds_nothing_up(tmp_path: Path) -> None:
    code = (
        "import sys, time, pathlib; from lazyaf.git.pause import copying\n"
        "with copying(pathlib.Path(sys.argv[1]), print):\n print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"held\n"
        with removing(tmp_path) as may_remove:
            assert not may_remove
        child.kill()

    def is_free() -> bool:
        with removing(tmp_path) as may_remove:
            return may_remove

    until(is_free, "the lock is let go of")


def test_the_lock_belongs_to_whom_the_storage_belongs(tmp_path: Path) -> None:
    """A backup by root, made before the server ever started, must not keep the server out."""
    if os.geteuid() == 0:
        os.chown(tmp_path, 65534, 65534)
    with copying(tmp_path, nobody):
        facts = (tmp_path / LOCK).stat()
    assert facts.st_uid == tmp_path.stat().st_uid
    assert facts.st_mode & 0o777 == 0o600
