"""A runner that comes back to an attempt which has ended without it: nothing is lost, nothing lies about."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from factories.runner_rig import Rig
from fakes.runner_state import Ledger
from lazyaf.domain.jobs import StopReason
from lazyaf.protocol.messages import FinishRequest, Job
from lazyaf.runner.marker import Marker
from lazyaf.runner.workspace import Workspace

HALF = "echo half > half.txt; echo ready; until test -e go; do sleep 0.02; done"


async def leave_in_the_middle(rig: Rig, job: Job) -> Ledger:
    """A runner that has begun this job and is gone."""
    async with rig.working(job) as (ledger, loop):
        await rig.server.until(lambda: "ready" in ledger.texts("stdout"))
        loop.leave()
    return ledger


async def come_back(rig: Rig) -> Ledger:
    """The runner again; it settles what it left, then works a job of another card."""
    other = rig.job("echo other > other.txt")
    task = other.task.model_copy(update={"card_id": "card-2"})
    return await rig.work(other.model_copy(update={"task": task}))


def left(rig: Rig) -> list[Path]:
    """Trees and outboxes on this machine."""
    trees = [path for path in (rig.work_dir / "trees").iterdir() if path.is_dir()]
    return [*trees, *(rig.root / "state" / "outbox").iterdir()]


async def orphan_of(rig: Rig, job: Job) -> str | None:
    return await rig.server.ref(f"refs/lazyaf/jobs/{job.job_id}/orphan/{job.attempt}")


async def test_what_a_lost_attempt_left_becomes_an_orphan(rig: Rig) -> None:
    job = rig.job(HALF)
    ledger = await leave_in_the_middle(rig, job)
    (rig.tree / "later.txt").write_text("written after the last checkpoint\n")
    await rig.server.fence(ledger)
    other = await come_back(rig)

    orphan = await orphan_of(rig, job)
    assert await rig.server.show(f"{orphan}:half.txt") == "half"
    assert await rig.server.show(f"{orphan}:later.txt") == "written after the last checkpoint"
    assert other.finish is not None
    assert other.finish.stop_reason is StopReason.FINISHED
    assert left(rig) == []


async def test_an_orphan_that_the_server_does_not_take_is_kept_here(rig: Rig) -> None:
    rig.server.push_limit = 1000
    job = rig.job(HALF)
    ledger = await leave_in_the_middle(rig, job)
    (rig.tree / "big.bin").write_bytes(os.urandom(100_000))
    await rig.server.fence(ledger)
    await come_back(rig)

    assert await orphan_of(rig, job) is None
    (kept,) = left(rig)
    assert kept.name == f"{job.task.card_id}.kept-{job.job_id}"
    assert (kept / rig.tree.name / "big.bin").stat().st_size == 100_000


async def test_work_that_the_server_had_recorded_is_no_orphan(rig: Rig) -> None:
    job = rig.job(HALF)
    ledger = await leave_in_the_middle(rig, job)
    assert len(ledger.checkpoints) == 1
    await rig.server.fence(ledger)
    await come_back(rig)

    assert await orphan_of(rig, job) is None
    assert left(rig) == []


async def test_a_tree_that_is_being_made_when_the_lease_is_lost_goes(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = asyncio.Event()

    async def for_ever(_space: Workspace, *_how: str) -> None:
        begun.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(Workspace, "_initialise", for_ever)
    async with rig.working(rig.job("true")) as (ledger, _):
        await begun.wait()
        await rig.server.fence(ledger)

    assert left(rig) == []


async def test_a_tree_in_whose_making_the_runner_was_killed_goes(rig: Rig) -> None:
    ledger = await leave_in_the_middle(rig, rig.job(HALF))
    path = rig.tree.parent / "job.json"
    marker = Marker.load(path)
    assert marker is not None
    marker.is_made = False
    marker.save(path)
    await rig.server.fence(ledger)
    await come_back(rig)

    assert left(rig) == []


async def test_an_attempt_that_was_closed_leaves_nothing(rig: Rig) -> None:
    job = rig.job(HALF)
    ledger = await leave_in_the_middle(rig, job)
    ledger.finish = FinishRequest(stop_reason=StopReason.CANCELLED)
    await come_back(rig)

    assert await orphan_of(rig, job) is None
    assert left(rig) == []


async def test_a_tree_that_others_have_gone_on_from_is_put_aside(rig: Rig) -> None:
    first = rig.job(HALF)
    await rig.server.fence(await leave_in_the_middle(rig, first))
    third = rig.job("ls", job_id=first.job_id, attempt=3)
    taken = await rig.work(third, state_dir=rig.root / "other")

    assert "half.txt" not in taken.texts("stdout")
    [kept] = (rig.work_dir / "trees").glob(f"card-1.kept-{first.job_id}")
    assert (kept / "work" / "half.txt").read_text() == "half\n"
