"""Verdicts of `lazyaf doctor` about things that a test cannot take away from its machine."""

from __future__ import annotations

from pathlib import Path

from lazyaf.cli.doctor import (
    Verdict,
    check_agent,
    check_data_dir,
    check_python,
    check_room,
    check_ui,
    show_use,
)
from lazyaf.domain.ports import Disk


def test_an_old_python_is_missing() -> None:
    assert check_python((3, 10), "3.10.4").verdict is Verdict.MISSING
    assert check_python((3, 14), "3.14.0").verdict is Verdict.OK


def test_a_ui_that_was_not_built_is_missing(tmp_path: Path) -> None:
    check = check_ui(tmp_path / "index.html")
    assert check.verdict is Verdict.MISSING
    assert "make setup" in (check.fix or "")


def test_a_data_directory_that_others_can_read_is_a_warning(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    directory = next(check_data_dir(tmp_path))
    assert directory.verdict is Verdict.WARNING
    assert "chmod 700" in (directory.fix or "")


def test_a_data_directory_that_is_not_made_yet_is_fine(tmp_path: Path) -> None:
    directory = next(check_data_dir(tmp_path / "a" / "b"))
    assert directory.verdict is Verdict.OK
    assert "first start" in directory.detail


def test_a_disk_below_the_reserve_is_no_disk_to_work_on(tmp_path: Path) -> None:
    disk = Disk((tmp_path,), total=10**9, free=10**6)
    assert check_room(disk, 10**6).verdict is Verdict.OK
    check = check_room(disk, 10**6 + 1)
    assert check.verdict is Verdict.MISSING
    assert check.detail == f"1 MB on the disk of {tmp_path}"
    assert "LAZYAF_DISK_RESERVE_MB" in (check.fix or "")


def test_what_is_taken_is_told_in_one_line() -> None:
    use = {
        "database": {"total": 2_000_000, "wal": 500_000, "logs": 1, "reusable": 1, "copies": 999},
        "repositories": [{"id": "x", "name": "shop", "bytes": 34_000_000}],
        "attachments": 4_000,
        "work": {"trees": 1_000_000_000, "homes": 0, "caches": 200_000_000, "spares": 0},
    }
    assert show_use(use).detail == (
        "database 2.5 MB, 1 repository 34 MB, attached files 4 kB, "
        "copies of the database 999 bytes, agents 1.2 GB"
    )


def test_an_agent_without_a_key_is_a_warning_with_its_version() -> None:
    offer = {
        "name": "claude",
        "title": "Claude Code",
        "available": False,
        "version": "2.1",
        "reason": "no key",
        "fix": "Set one.",
    }
    check = check_agent(offer)
    assert check.verdict is Verdict.WARNING
    assert check.detail == "version 2.1: no key"
    assert check_agent({**offer, "available": True}).detail == "version 2.1"
