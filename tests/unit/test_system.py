"""What is asked of the machine."""

from __future__ import annotations

import shutil
from pathlib import Path

from lazyaf.system import disks_of
from support.tools import untestable

MEMORY = Path("/dev/shm")  # a disk of its own on every Linux


def test_directories_on_one_disk_are_one_disk(tmp_path: Path) -> None:
    missing = tmp_path / "not" / "there" / "yet"
    (disk,) = disks_of([tmp_path, missing])
    assert disk.folders == (tmp_path, missing)
    assert disk.total == shutil.disk_usage(tmp_path).total


def test_each_disk_is_looked_at(tmp_path: Path) -> None:
    if not MEMORY.is_dir() or MEMORY.stat().st_dev == tmp_path.stat().st_dev:
        untestable("there is no second disk")
    first, second = disks_of([tmp_path, MEMORY / "work", tmp_path / "git"])
    assert first.folders == (tmp_path, tmp_path / "git")
    assert second.folders == (MEMORY / "work",)
    assert second.total == shutil.disk_usage(MEMORY).total != first.total


def test_a_link_counts_as_what_it_leads_to(tmp_path: Path) -> None:
    if not MEMORY.is_dir() or MEMORY.stat().st_dev == tmp_path.stat().st_dev:
        untestable("there is no second disk")
    (tmp_path / "work").symlink_to(MEMORY)
    assert len(disks_of([tmp_path, tmp_path / "work"])) == 2
