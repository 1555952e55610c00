"""How much is in the runners' directory."""

from __future__ import annotations

import os
from pathlib import Path

from lazyaf.runner.workdir import BLOCK, WorkDir, size_of


def taken(path: Path) -> int:
    return path.lstat().st_blocks * BLOCK


def test_each_part_is_counted(tmp_path: Path) -> None:
    work = WorkDir(tmp_path)
    file = work.trees / "card" / "work" / "large"
    file.parent.mkdir(parents=True)
    file.write_bytes(os.urandom(1_000_000))
    sizes = work.sizes()
    assert sizes.keys() == {"trees", "homes", "caches", "spares"}
    assert 1_000_000 <= sizes["trees"] < 1_100_000
    assert sizes["homes"] == 0, "what is not there takes nothing"


def test_a_file_of_two_names_counts_once(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    (folder / "one").write_bytes(os.urandom(200_000))
    os.link(folder / "one", folder / "two")
    assert size_of(folder) == taken(folder) + taken(folder / "one")


def test_no_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "large").write_bytes(os.urandom(200_000))
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "link").symlink_to(tmp_path / "outside")
    assert size_of(inside) == taken(inside) + taken(inside / "link")


def test_a_hole_takes_no_room(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(10**9)
    assert size_of(tmp_path / "sparse") < 10**6
