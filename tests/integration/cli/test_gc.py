"""`lazyaf gc` and `lazyaf doctor --fix`, beside a server and without one."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lazyaf.runner.marker import Marker
from support.commandline import Lazyaf
from support.server import ServerProcess

MONTHS = 100 * 86_400.0


@pytest.fixture
def own(tmp_path: Path) -> Iterator[ServerProcess]:
    """A server of the test's own, which it may stop."""
    server = ServerProcess(tmp_path / "own" / "data", None, "--pool", "none")
    yield server.start()
    server.stop()


@pytest.fixture
def tidy(own: ServerProcess) -> Lazyaf:
    """The command line, on that server."""
    return Lazyaf(
        {
            "LAZYAF_SERVER": own.url,
            "LAZYAF_DATA_DIR": str(own.data_dir),
            "LAZYAF_TOKEN": "",
            "LAZYAF_ISOLATION": "none",
        }
    )


def leave_home(server: ServerProcess, card: str = "card") -> Path:
    """A HOME that no agent has used for months."""
    home = server.data_dir / "work" / "homes" / card
    home.mkdir(parents=True)
    (home / "large").write_bytes(os.urandom(200_000))
    then = time.time() - MONTHS
    os.utime(home, (then, then))
    return home


def leave_work(server: ServerProcess) -> Path:
    """A kept tree of which nobody knows whether the server has its work."""
    root = server.data_dir / "work" / "trees" / "card.kept-job"
    (root / "work").mkdir(parents=True)
    (root / "work" / "mine.txt").write_text("mine\n")
    return root


def check(checks: list[dict[str, Any]], name: str) -> dict[str, Any]:
    (found,) = [each for each in checks if each["name"] == name]
    return found


@pytest.mark.parametrize("running", [True, False], ids=["beside a server", "without one"])
def test_what_nobody_will_come_back_for_goes_and_work_stays(
    tidy: Lazyaf, own: ServerProcess, running: bool
) -> None:
    home, work = leave_home(own), leave_work(own)
    if not running:
        assert own.stop() == 0
    dry = tidy("gc", "--dry-run")
    assert dry.exit_code == 0, dry.output
    assert "Would be removed:" in dry.stdout
    assert "No agent has used it for a month." in dry.stdout
    assert str(home) in dry.stdout
    assert "Stays, and is yours to look at:" in dry.stdout
    assert "Nothing tells whose work it is." in dry.stdout
    assert "would be free again" in dry.stdout
    assert home.exists()

    listed = tidy.json("gc", "--dry-run")
    assert tidy.json("gc")["items"] == listed["items"]
    assert not home.exists()
    assert (work / "work" / "mine.txt").read_text() == "mine\n"
    (left,) = tidy.json("gc")["items"]
    assert (left["kind"], left["stays"]) == ("work_tree", True)


def test_of_a_tidy_server_there_is_nothing_to_say(tidy: Lazyaf) -> None:
    assert tidy("gc").stdout == "There is nothing that nobody will come back for.\n"


def test_a_server_at_another_address_is_named(tidy: Lazyaf) -> None:
    result = tidy("gc", "--server", "http://127.0.0.1:1")
    assert result.exit_code == 1
    assert "at another address than was asked" in result.stderr


def test_a_server_elsewhere_that_does_not_answer_is_not_looked_after_here(tidy: Lazyaf) -> None:
    result = tidy("gc", "--server", "http://lazyaf.invalid:9")
    assert result.exit_code == 3


def test_where_no_server_ever_was_nothing_is_made(tidy: Lazyaf, tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    words = ("gc", "--server", "http://127.0.0.1:1")
    assert tidy(*words, LAZYAF_DATA_DIR=str(nowhere)).exit_code == 0
    assert not nowhere.exists()


def test_a_runner_s_token_removes_nothing(own: ServerProcess, tidy: Lazyaf) -> None:
    token = (own.data_dir / "runners" / "token").read_text().strip()
    home = leave_home(own)
    assert tidy("gc", LAZYAF_TOKEN=token).exit_code == 4
    assert home.exists()


def test_the_doctor_shows_the_same_and_puts_it_right(tidy: Lazyaf, own: ServerProcess) -> None:
    home, work = leave_home(own), leave_work(own)
    for name, mode in (("", 0o755), ("token", 0o644), ("lazyaf.db", 0o640)):
        (own.data_dir / name).chmod(mode)
    checks = tidy.json("doctor")["items"]
    assert check(checks, "Leftovers")["detail"].startswith("1 leftover of 2")
    assert "lazyaf gc" in check(checks, "Leftovers")["fix"]
    assert check(checks, "Kept work")["detail"].startswith(str(work))
    assert check(checks, "Private files")["detail"] == "others can read token, lazyaf.db"
    assert check(checks, "Data directory")["verdict"] == "warning"
    assert home.exists()

    said = tidy("doctor", "--fix").stdout
    assert "✓ Leftovers: removed 1 leftover of 2" in said
    assert f"✓ Data directory: made private: {own.data_dir}" in said
    assert "! Kept work:" in said, "what holds work is no doctor's business"
    assert not home.exists()
    assert (work / "work" / "mine.txt").exists()
    modes = [stat.S_IMODE((own.data_dir / n).stat().st_mode) for n in ("", "token", "lazyaf.db")]
    assert modes == [0o700, 0o600, 0o600]

    checks = tidy.json("doctor", "--fix")["items"]
    assert not [c for c in checks if c["name"] in ("Leftovers", "Private files")]
    assert check(checks, "Data directory")["verdict"] == "ok"


def test_the_doctor_does_not_bring_an_old_database_up_to_date(
    tidy: Lazyaf, own: ServerProcess
) -> None:
    import sqlite3

    own.stop()
    with sqlite3.connect(own.data_dir / "lazyaf.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '0001'")
    database.close()
    leftovers = check(tidy.json("doctor", "--fix")["items"], "Leftovers")
    assert leftovers["verdict"] == "warning"
    assert "Start the server once" in leftovers["detail"]


def test_a_marker_of_a_tree_is_what_the_runner_writes(own: ServerProcess, tidy: Lazyaf) -> None:
    """A half-made tree is told from one that holds work by its note alone."""
    root = leave_work(own)
    marker = Marker(job_id="job", start="0" * 40, is_made=False)
    marker.save(root / "job.json")
    (found,) = tidy.json("gc")["items"]
    assert found["stays"] is False
    assert not root.exists()
