"""Cancelling a job, and speaking to one that runs (R14)."""

from __future__ import annotations

import pytest

from factories.scene import Scene
from lazyaf.domain.errors import Conflict, IllegalTransition
from lazyaf.domain.events import PERSON
from lazyaf.domain.jobs import StopReason
from lazyaf.protocol.entries import UNHEARD
from lazyaf.protocol.messages import Job
from lazyaf.services.cancel_job import cancel_all, cancel_card, cancel_job, send_command
from lazyaf.services.leases import pending_commands
from lazyaf.services.read_log import read_log
from lazyaf.services.reap import Lost, lose_attempt
from lazyaf.store.jobs import CommandRow, live_attempts


async def commands(scene: Scene, job: Job, after: int = 0, heard: int = 0) -> list[CommandRow]:
    """What the job's runner is told when it asks."""
    return await pending_commands(scene.ctx, job.job_id, job.lease, after=after, heard=heard)


async def told(scene: Scene, job: Job) -> list[tuple[str, str, bool]]:
    """The log of the job."""
    found = await scene.db.read(read_log, job.job_id, after=0, before=None, limit=100)
    return [(e["kind"], e.get("text", ""), e.get("is_error", False)) for e in found.items]


async def test_a_queued_job_is_cancelled_at_once(scene: Scene) -> None:
    repo = await scene.repo()
    card = await scene.card(repo)
    shown = await scene.start(card)
    assert (await cancel_card(scene.ctx, card, PERSON))["status"] == "todo"
    assert (await scene.job_row(shown["job_id"])).status == "cancelled"
    assert await scene.claim(await scene.runner()) is None


async def test_a_running_job_is_stopping_until_its_runner_says_so(scene: Scene) -> None:
    repo = await scene.repo()
    card, job = await scene.working(repo)
    shown = await cancel_card(scene.ctx, card, PERSON)
    assert (shown["status"], shown["stopping"]) == ("in_progress", True)
    await cancel_job(scene.ctx, job.job_id, PERSON)  # asking twice is one question
    assert [c.type for c in await commands(scene, job)] == ["cancel"]
    with pytest.raises(IllegalTransition):
        await scene.start(card)
    head = await scene.work(job, {"half": "1"})  # lease and credential live on
    assert await scene.finish(job, StopReason.CANCELLED, head_sha=head) == "cancelled"
    row = await scene.card_row(card)
    assert (row.status, row.head_sha) == ("todo", head)
    assert await scene.tip(repo, job.branch) == head


async def test_everything_is_stopped_at_once(scene: Scene) -> None:
    repo = await scene.repo()
    running, job = await scene.working(repo)
    waiting = await scene.card(repo)
    await scene.start(waiting)
    idle = await scene.card(repo)
    assert await cancel_all(scene.ctx, PERSON) == 2
    assert (await scene.shown(running))["stopping"] is True
    assert (await scene.shown(waiting))["status"] == "todo"
    assert (await scene.shown(idle))["version"] == 1
    await scene.finish(job, StopReason.CANCELLED)
    assert await cancel_all(scene.ctx, PERSON) == 0


async def test_a_finish_that_comes_first_wins_and_cancel_is_refused(scene: Scene) -> None:
    repo = await scene.repo()
    card, job = await scene.working(repo)
    await cancel_card(scene.ctx, card, PERSON)
    head = await scene.work(job, {"all": "1"})
    assert await scene.finish(job, head_sha=head) == "completed"
    assert (await scene.card_row(card)).status == "in_review"
    with pytest.raises(IllegalTransition):
        await cancel_card(scene.ctx, card, PERSON)
    with pytest.raises(Conflict) as over:
        await cancel_job(scene.ctx, job.job_id, PERSON)
    assert over.value.code == "job_over"


async def test_a_message_reaches_only_a_running_agent(scene: Scene) -> None:
    repo = await scene.repo()
    _, job = await scene.working(repo)
    await send_command(scene.ctx, job.job_id, "message", "Also the tests.")
    await send_command(scene.ctx, job.job_id, "interrupt", None)
    found = await commands(scene, job)
    assert [(c.type, c.text) for c in found] == [
        ("message", "Also the tests."),
        ("interrupt", None),
    ]
    assert await commands(scene, job, after=found[-1].id) == []
    await scene.finish(job)
    with pytest.raises(Conflict) as over:
        await send_command(scene.ctx, job.job_id, "message", "Hello?")
    assert over.value.code == "job_not_running"


async def test_what_was_dealt_with_is_not_said_again_to_the_next_attempt(scene: Scene) -> None:
    repo = await scene.repo()
    _, job = await scene.working(repo)
    for text in ("one", "two"):
        await send_command(scene.ctx, job.job_id, "message", text)
    first, _ = await commands(scene, job)
    assert await commands(scene, job, after=first.id, heard=first.id)
    [attempt] = await scene.db.read(live_attempts)
    await lose_attempt(scene.ctx, attempt, Lost("It died.", spends=True))
    again = await scene.claimed(await scene.runner("other"))
    assert (again.job_id, again.attempt) == (job.job_id, 2)
    assert [c.text for c in await commands(scene, again)] == ["two"]


async def test_a_message_that_no_agent_heard_is_answered_in_the_log(scene: Scene) -> None:
    repo = await scene.repo()
    _, job = await scene.working(repo)
    for text in ("heard", "too late"):
        await send_command(scene.ctx, job.job_id, "message", text)
    await send_command(scene.ctx, job.job_id, "interrupt", None)
    first = (await commands(scene, job))[0]
    await scene.finish(job, heard=first.id)
    assert await told(scene, job) == [("user", "too late", False), ("system", UNHEARD, True)]


async def test_a_message_to_a_runner_that_was_lost_is_answered_when_no_attempt_is_left(
    scene: Scene,
) -> None:
    repo = await scene.repo()
    card, job = await scene.working(repo)
    await send_command(scene.ctx, job.job_id, "message", "Hello?")
    await cancel_card(scene.ctx, card, PERSON)
    [attempt] = await scene.db.read(live_attempts)
    await lose_attempt(scene.ctx, attempt, Lost("It died.", spends=True))
    assert (await scene.card_row(card)).status == "todo"
    assert await told(scene, job) == [("user", "Hello?", False), ("system", UNHEARD, True)]


async def test_a_job_that_is_being_stopped_hears_nothing_more(scene: Scene) -> None:
    repo = await scene.repo()
    card, job = await scene.working(repo)
    await cancel_card(scene.ctx, card, PERSON)
    with pytest.raises(Conflict) as refused:
        await send_command(scene.ctx, job.job_id, "message", "Wait!")
    assert refused.value.code == "job_not_running"
    assert "being stopped" in refused.value.detail
