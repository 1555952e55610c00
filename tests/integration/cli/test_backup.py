"""`lazyaf backup` and `lazyaf restore`: what people type, see and get."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from support.commandline import Git, Lazyaf
from support.server import ServerProcess


@pytest.fixture
def backup(lazyaf: Lazyaf, tmp_path: Path) -> Path:
    """A backup of the shared server."""
    target = tmp_path / "backup"
    made = lazyaf("backup", target)
    assert made.exit_code == 0, made.output
    return target


def test_a_server_begins_again_from_a_backup_of_a_running_one(
    lazyaf: Lazyaf, server: ServerProcess, checkout: Git, name: str, tmp_path: Path
) -> None:
    checkout("remote", "add", "origin", "https://example.com/shop.git")
    lazyaf("ingest", checkout.path)
    lazyaf("card", "add", name, "-t", "Kept")
    backup, data = tmp_path / "backup", tmp_path / "new" / "data"
    made = lazyaf("backup", backup)
    assert made.exit_code == 0, made.output
    assert f"lazyaf restore {backup} --data-dir NEW_DIRECTORY" in made.stdout
    restored = lazyaf("restore", backup, "--data-dir", data)
    assert restored.exit_code == 0, restored.output
    assert f"lazyaf serve --data-dir {data}" in restored.stdout
    with ServerProcess(data, None, "--pool", "none") as other:
        assert other.token == server.token
        assert stat.S_IMODE(data.stat().st_mode) == 0o700
        health = other.client.get("/api/health").json()
        assert health["epoch"] != server.client.get("/api/health").json()["epoch"]
        there = {"LAZYAF_SERVER": other.url, "LAZYAF_DATA_DIR": str(data)}
        assert lazyaf.json("card", "show", name, "1", **there)["title"] == "Kept"
        branches = other.client.get(f"/api/repos/{name}/branches").json()["items"]
        assert [branch["sha"] for branch in branches] == [checkout("rev-parse", "HEAD")]


def test_what_was_done_is_told_as_json(
    lazyaf: Lazyaf, server: ServerProcess, tmp_path: Path
) -> None:
    made = lazyaf.json("backup", tmp_path / "backup")
    assert made["source"] == str(server.data_dir)
    assert made["target"] == str(tmp_path / "backup")
    assert (made["database"], made["missing"]) == ("sqlite", [])
    restored = lazyaf.json("restore", tmp_path / "backup", "--data-dir", tmp_path / "data")
    assert restored["target"] == str(tmp_path / "data")
    assert restored["made_at"] == made["made_at"]
    assert restored["repositories"] == made["repositories"]


def test_the_copy_of_the_database_is_one_file(backup: Path) -> None:
    databases = [path.name for path in backup.iterdir() if path.name.startswith("lazyaf.db")]
    assert databases == ["lazyaf.db"]


def test_it_overwrites_nothing(lazyaf: Lazyaf, backup: Path, tmp_path: Path) -> None:
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine").touch()
    for result in (lazyaf("backup", full), lazyaf("restore", backup, "--data-dir", full)):
        assert result.exit_code == 1
        assert "is not empty" in result.stderr
        assert result.stderr.rstrip().endswith("[not_empty]")
    assert [path.name for path in full.iterdir()] == ["mine"]


def test_a_running_server_is_not_restored_over(
    lazyaf: Lazyaf, server: ServerProcess, backup: Path
) -> None:
    result = lazyaf("restore", backup, "--data-dir", server.data_dir)
    assert result.exit_code == 1
    assert "Nothing was restored. Another LazyAF server uses" in result.stderr
    assert "[already_running]" in result.stderr


def test_it_wants_a_database(lazyaf: Lazyaf, tmp_path: Path) -> None:
    result = lazyaf("backup", tmp_path / "copy", "--data-dir", tmp_path / "nothing")
    assert result.exit_code == 1
    assert "There is no LazyAF database" in result.stderr
    assert not (tmp_path / "copy").exists()
    assert not (tmp_path / "nothing").exists()


def test_it_wants_a_backup(lazyaf: Lazyaf, tmp_path: Path) -> None:
    result = lazyaf("restore", tmp_path, "--data-dir", tmp_path / "data")
    assert result.exit_code == 1
    assert "is no complete backup" in result.stderr
    assert not (tmp_path / "data").exists()


def test_neither_is_put_into_the_other(lazyaf: Lazyaf, server: ServerProcess, backup: Path) -> None:
    for result in (
        lazyaf("backup", server.data_dir / "copy"),
        lazyaf("restore", backup, "--data-dir", backup / "data"),
    ):
        assert result.exit_code == 1
        assert "is inside of" in result.stderr
    assert not (backup / "data").exists()


def test_a_database_elsewhere_is_dumped_with_its_own_tools(lazyaf: Lazyaf, tmp_path: Path) -> None:
    url = "postgresql://lazyaf:geheim@127.0.0.1:1/x"
    result = lazyaf("backup", tmp_path / "copy", LAZYAF_DATABASE_URL=url)
    assert result.exit_code == 1
    assert "pg_dump" in result.stderr
    assert "geheim" not in result.stderr
    assert not (tmp_path / "copy").exists()


def test_a_damaged_backup_is_told_and_leaves_nothing(
    lazyaf: Lazyaf, checkout: Git, tmp_path: Path
) -> None:
    lazyaf("ingest", checkout.path)
    backup, data = tmp_path / "backup", tmp_path / "data"
    lazyaf("backup", backup)
    head = checkout("rev-parse", "HEAD")
    broken = next(p for p in (backup / "git").glob("*.git") if any(p.glob(f"objects/{head[:2]}/*")))
    for item in (broken / "objects" / head[:2]).iterdir():
        item.unlink()
    result = lazyaf("restore", backup, "--data-dir", data)
    assert result.exit_code == 1
    assert "Nothing was restored." in result.stderr
    assert "could not be copied whole" in result.stderr
    assert not data.exists()


def test_no_server_begins_in_what_is_half_restored(lazyaf: Lazyaf, tmp_path: Path) -> None:
    (tmp_path / "data" / ".restoring").mkdir(parents=True)
    result = lazyaf("serve", "--data-dir", tmp_path / "data", "--port", "0")
    assert result.exit_code == 1
    assert "A restore into" in result.stderr
    assert "lazyaf restore" in result.stderr
