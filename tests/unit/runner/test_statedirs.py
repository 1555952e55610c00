"""What dead runners leave in their own directories, and what their next process needs."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from lazyaf.domain.leftovers import LeftoverKind
from lazyaf.protocol.messages import LeftoversRequest, LeftoversResponse
from lazyaf.runner.filelock import try_lock
from lazyaf.runner.statedirs import sweep_state_dirs

JOB = "01900000-0000-7000-8000-000000000001"


def folder_of(root: Path, name: str, pid: int) -> Path:
    folder = root / name
    (folder / "outbox").mkdir(parents=True)
    (folder / "lock").touch()
    (folder / "pid").write_text(f"{pid}\n")
    for attempt in (1, 2):
        (folder / "outbox" / f"{JOB}-{attempt}.jsonl").write_text("{}\n")
    (folder / "claim.json").write_text("{}")
    return folder


async def ask(request: LeftoversRequest) -> LeftoversResponse:
    assert set(request.attempts) <= {f"{JOB}/1", f"{JOB}/2"}
    return LeftoversResponse(live=[f"{JOB}/2"])


def everything(root: Path) -> list[Path]:
    return sorted(root.rglob("*"))


@pytest.fixture
def dead_pid() -> int:
    child = subprocess.Popen(["true"])
    child.wait()
    return child.pid


async def test_entries_of_attempts_that_are_over_go(tmp_path: Path, dead_pid: int) -> None:
    folder = folder_of(tmp_path, "local-1", dead_pid)
    before = everything(tmp_path)
    dry = await sweep_state_dirs(tmp_path, ask, dry_run=True)
    assert everything(tmp_path) == before
    assert await sweep_state_dirs(tmp_path, ask, dry_run=False) == dry
    assert {(x.kind, x.place) for x in dry} == {
        (LeftoverKind.OUTBOX, str(folder / "outbox" / f"{JOB}-1.jsonl")),
        (LeftoverKind.FILE, str(folder / "pid")),
    }
    assert (folder / "outbox" / f"{JOB}-2.jsonl").exists(), "it goes on with that very attempt"
    assert (folder / "claim.json").exists()


async def test_a_runner_that_lives_looks_after_its_own(tmp_path: Path, dead_pid: int) -> None:
    folder = folder_of(tmp_path, "local-1", dead_pid)
    with try_lock(folder / "lock") as taken:
        assert taken
        assert await sweep_state_dirs(tmp_path, ask, dry_run=False) == []
    assert len(list((folder / "outbox").iterdir())) == 2


async def test_one_that_is_just_starting_keeps_its_number(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "local-1", os.getpid())
    await sweep_state_dirs(tmp_path, ask, dry_run=False)
    assert (folder / "pid").exists()


async def test_without_runners_there_is_nothing(tmp_path: Path) -> None:
    assert await sweep_state_dirs(tmp_path / "none", ask, dry_run=False) == []
