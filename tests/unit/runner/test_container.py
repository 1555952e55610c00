"""Which container a runner is in."""

from __future__ import annotations

from pathlib import Path

import pytest

from lazyaf.runner.container import own_container_id

ID = "4f3c" * 16


@pytest.mark.parametrize(
    "line",
    [
        f"615 597 8:1 /var/lib/docker/containers/{ID}/hostname /etc/hostname rw - ext4 /dev/sda1 rw",
        f"9 8 0:27 /containers/overlay-containers/{ID}/userdata/hosts /etc/hosts rw - tmpfs tmpfs rw",
    ],
)
def test_it_is_known_by_what_the_engine_mounts(tmp_path: Path, line: str) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"1 0 8:1 / / rw - ext4 /dev/sda1 rw\n{line}\n")

    assert own_container_id(mounts) == ID


def test_elsewhere_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "mountinfo").write_text("1 0 8:1 / /home/containers/x rw - ext4 /dev/sda1 rw\n")

    assert own_container_id(tmp_path / "mountinfo") is None
    assert own_container_id(tmp_path / "nothing") is None
