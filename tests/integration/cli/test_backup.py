"""`lazyaf backup`: a copy that another server can begin with."""

from __future__ import annotations

import stat
from pathlib import Path

from support.commandline import Git, Lazyaf
from support.server import ServerProcess


def test_a_server_begins_again_from_a_backup_of_a_running_one(
    lazyaf: Lazyaf, server: ServerProcess, checkout: Git, name: str, tmp_path: Path
) -> None:
    checkout("remote", "add", "origin", "https://example.com/shop.git")
    lazyaf("ingest", checkout.path)
    lazyaf("card", "add", name, "-t", "Kept")
    copy = tmp_path / "copy"
    made = lazyaf("backup", copy)
    assert made.exit_code == 0, made.output
    assert f"cp -a {copy} {server.data_dir}" in made.stdout
    with ServerProcess(copy, None, "--pool", "none") as restored:
        assert restored.token == server.token
        there = {"LAZYAF_SERVER": restored.url, "LAZYAF_DATA_DIR": str(copy)}
        assert lazyaf.json("card", "show", name, "1", **there)["title"] == "Kept"
        branches = restored.client.get(f"/api/repos/{name}/branches").json()["items"]
        assert [branch["sha"] for branch in branches] == [checkout("rev-parse", "HEAD")]


def test_nobody_else_can_read_it(lazyaf: Lazyaf, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    assert lazyaf("backup", copy).exit_code == 0
    assert stat.S_IMODE(copy.stat().st_mode) == 0o700
    for private in ("secret", "token", "lazyaf.db", "runners/token"):
        assert stat.S_IMODE((copy / private).stat().st_mode) == 0o600


def test_the_copy_of_the_database_is_one_file(lazyaf: Lazyaf, tmp_path: Path) -> None:
    made = lazyaf.json("backup", tmp_path / "copy")
    assert made["target"] == str(tmp_path / "copy")
    databases = [p.name for p in (tmp_path / "copy").iterdir() if p.name.startswith("lazyaf.db")]
    assert databases == ["lazyaf.db"]


def test_it_overwrites_nothing(lazyaf: Lazyaf, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").touch()
    result = lazyaf("backup", tmp_path / "full")
    assert result.exit_code == 1
    assert "is not empty" in result.stderr
    assert [p.name for p in (tmp_path / "full").iterdir()] == ["mine"]


def test_it_wants_a_database(lazyaf: Lazyaf, tmp_path: Path) -> None:
    result = lazyaf("backup", tmp_path / "copy", "--data-dir", tmp_path / "nothing")
    assert result.exit_code == 1
    assert "There is no LazyAF database" in result.stderr
    assert not (tmp_path / "copy").exists()


def test_it_copies_nothing_into_itself(lazyaf: Lazyaf, server: ServerProcess) -> None:
    result = lazyaf("backup", server.data_dir / "copy")
    assert result.exit_code == 1
    assert "inside" in result.stderr


def test_a_database_elsewhere_is_dumped_with_its_own_tools(lazyaf: Lazyaf, tmp_path: Path) -> None:
    result = lazyaf("backup", tmp_path / "copy", LAZYAF_DATABASE_URL="postgresql://localhost/x")
    assert result.exit_code == 1
    assert "pg_dump" in result.stderr


def test_a_damaged_repository_is_told(
    lazyaf: Lazyaf, checkout: Git, name: str, tmp_path: Path
) -> None:
    """A copy of a copy, so that the shared server keeps its repositories."""
    lazyaf("ingest", checkout.path)
    first = tmp_path / "first"
    lazyaf("backup", first)
    head = checkout("rev-parse", "HEAD")
    broken = next(p for p in (first / "git").glob("*.git") if any(p.glob(f"objects/{head[:2]}/*")))
    for item in (broken / "objects" / head[:2]).iterdir():
        item.unlink()
    result = lazyaf("backup", tmp_path / "second", "--data-dir", first)
    assert result.exit_code == 1
    assert "could not be copied whole" in result.stderr
