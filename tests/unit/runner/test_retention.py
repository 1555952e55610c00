"""What is swept away, and what stays."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lazyaf.runner.config import RunnerConfig
from lazyaf.runner.filelock import try_lock
from lazyaf.runner.retention import KEEP_S, sweep

NOW = 2_000_000_000.0
OLD = NOW - KEEP_S - 1
FRESH = NOW - KEEP_S + 1


@pytest.fixture
def config(tmp_path: Path) -> RunnerConfig:
    config = RunnerConfig(
        server="http://x", token="t", name="r", state_dir=tmp_path, work_dir=tmp_path / "work"
    )
    config.trees_dir.mkdir(parents=True)
    config.homes_dir.mkdir()
    return config


def tree(config: RunnerConfig, name: str, at: float) -> Path:
    path = config.trees_dir / name
    (path / "work").mkdir(parents=True)
    (path / "job.json").write_text("{}")
    os.utime(path / "job.json", (at, at))
    return path


def home(config: RunnerConfig, name: str, at: float) -> Path:
    path = config.homes_dir / name
    path.mkdir()
    session = config.homes_dir / f"{name}.session"
    session.write_text("s")
    os.utime(session, (at, at))
    return path


def test_old_trees_and_homes_go_and_fresh_ones_stay(config: RunnerConfig) -> None:
    old, fresh = tree(config, "a", OLD), tree(config, "b", FRESH)
    old_home, fresh_home = home(config, "a", OLD), home(config, "b", FRESH)
    kept = tree(config, "b.kept-job", OLD)
    sweep(config, NOW)

    assert not old.exists()
    assert not old_home.exists()
    assert not kept.exists()
    assert fresh.exists()
    assert fresh_home.exists()
    assert sorted(p.name for p in config.homes_dir.iterdir()) == ["b", "b.session"]


def test_a_tree_in_use_is_left_alone(config: RunnerConfig) -> None:
    path = tree(config, "a", OLD)
    with try_lock(config.trees_dir / "a.lock") as taken:
        assert taken
        sweep(config, NOW)

    assert path.exists()


def test_a_link_is_deleted_and_not_followed(config: RunnerConfig, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").touch()
    path = tree(config, "a", OLD)
    (path / "work" / "link").symlink_to(outside)
    sweep(config, NOW)

    assert not path.exists()
    assert (outside / "file").exists()


def test_spare_trees_that_nobody_took_go(config: RunnerConfig) -> None:
    folders = [config.spares_dir / name for name in ("old", "fresh", "making")]
    for folder, at in zip(folders, (OLD, FRESH, OLD), strict=True):
        (folder / "0").mkdir(parents=True)
        (folder / "lock").touch()
        os.utime(folder, (at, at))
    with try_lock(config.spares_dir / "making" / "lock"):
        sweep(config, NOW)
    assert [folder.exists() for folder in folders] == [False, True, True]
