"""Jobs that are ended before their agent is done, by a limit or by a person: their work is kept."""

from __future__ import annotations

import asyncio

from factories.runner_rig import Rig
from fakes.runner_state import REPO, Ledger
from lazyaf.domain.jobs import StopReason
from lazyaf.protocol.messages import Job, Limits
from lazyaf.runner.marker import Marker
from lazyaf.runner.state import State


async def test_a_job_past_its_limit_is_timed_out(rig: Rig) -> None:
    ledger = await rig.work(rig.job("sleep 1000", limits=Limits(job_s=0.5, cancel_grace_s=5)))

    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.TIMED_OUT
    assert ledger.finish.error == "The job took longer than 0.5 s."


async def leave_with_the_limit_used_up(rig: Rig, job: Job) -> Ledger:
    """A runner that has begun this job and is gone, and by its note has worked as long as it may."""
    async with rig.working(job) as (ledger, loop):
        await rig.server.until(lambda: "ready" in ledger.texts("stdout"))
        loop.leave()
    note = rig.tree.parent / "job.json"
    left = Marker.load(note)
    assert left is not None
    assert left.worked_s > 0
    left.worked_s += job.limits.job_s
    left.save(note)
    return ledger


async def test_the_limit_counts_what_an_earlier_process_has_worked(rig: Rig) -> None:
    job = rig.job("echo two >> app.txt; echo ready; sleep 1000", limits=Limits(job_s=1000))
    ledger = await leave_with_the_limit_used_up(rig, job)

    async with rig.loop() as again, asyncio.timeout(60):
        await again.run()
    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.TIMED_OUT
    assert await rig.server.show(f"{ledger.finish.head_sha}:app.txt") == "one\ntwo"


async def test_the_next_attempt_has_the_whole_limit_again(rig: Rig) -> None:
    job = rig.job("test -e two && exit; touch two; echo ready; sleep 1000")
    await leave_with_the_limit_used_up(rig, job)

    State(rig.config().state_dir).done()
    again = await rig.work(rig.job("true", job_id=job.job_id, attempt=2))
    assert again.finish is not None
    assert again.finish.stop_reason is StopReason.FINISHED


async def test_a_silent_agent_is_stalled_and_keeps_its_work(rig: Rig) -> None:
    limits = Limits(idle_s=1, cancel_grace_s=5, checkpoint_s=3600)
    ledger = await rig.work(rig.job("echo two >> app.txt; sleep 1000", limits=limits))

    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.STALLED
    assert await rig.server.show(f"{ledger.finish.head_sha}:app.txt") == "one\ntwo"


async def test_cancel_stops_the_agent_and_keeps_its_work(rig: Rig) -> None:
    job = rig.job("echo two >> app.txt; echo ready; sleep 1000")
    async with rig.working(job) as (ledger, _):
        await rig.server.until(lambda: "ready" in ledger.texts("stdout"))
        await rig.server.command(ledger, "cancel")

    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.CANCELLED
    subject = await rig.server.storage.git(
        REPO, ["log", "-1", "--format=%s", str(ledger.finish.head_sha)]
    )
    assert subject.text == "Work in progress: Demo card"


async def test_cancel_kills_what_ignores_it_even_when_detached(rig: Rig) -> None:
    stubborn = "setsid sh -c 'trap \"\" TERM; echo here; while :; do sleep 1; done' & "
    job = rig.job(
        f"trap '' TERM; {stubborn} wait", limits=Limits(cancel_grace_s=0.2, checkpoint_s=3600)
    )
    async with rig.working(job) as (ledger, _):
        await rig.server.until(lambda: "here" in ledger.texts("stdout"))
        await rig.server.command(ledger, "cancel")

    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.CANCELLED


async def test_a_stubborn_agents_work_is_saved_before_it_is_killed(rig: Rig) -> None:
    job = rig.job(
        "trap '' TERM; echo two >> app.txt; echo ready; until test -e go; do sleep 0.05; done",
        limits=Limits(checkpoint_s=3600, cancel_grace_s=60),
    )
    async with rig.working(job) as (ledger, _):
        await rig.server.until(lambda: "ready" in ledger.texts("stdout"))
        await rig.server.command(ledger, "cancel")
        await rig.server.until(lambda: bool(ledger.checkpoints))
        assert await rig.server.show(f"{ledger.checkpoints[0].sha}:app.txt") == "one\ntwo"
        (rig.tree / "go").touch()

    assert ledger.finish is not None
    assert ledger.finish.stop_reason is StopReason.CANCELLED
