"""Finishing a job: where its card goes and what becomes of the work (R14)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from factories.scene import Scene
from lazyaf.domain.cards import CardCommand
from lazyaf.domain.errors import Conflict, LeaseLost, SequenceGap
from lazyaf.domain.events import PERSON
from lazyaf.domain.jobs import StopReason
from lazyaf.protocol.entries import Usage
from lazyaf.services.leases import touch
from lazyaf.services.reap import reap
from lazyaf.services.request_changes import Remark, request_changes
from lazyaf.services.runners import show_runners
from lazyaf.services.start_card import RunRequest
from lazyaf.store.intents import find_intent


async def test_a_finished_job_brings_its_card_into_review(scene: Scene) -> None:
    repo = await scene.repo()
    card, job = await scene.working(repo)
    head = await scene.work(job, {"new.txt": "1\n2\n"})
    await scene.log(job, 1, "done")
    usage = Usage(cost_usd=1.5)
    status = await scene.finish(job, head_sha=head, last_seq=1, usage=usage, session="abc")
    assert status == "completed"
    shown = await scene.shown(card)
    assert (shown["status"], shown["head_sha"], shown["no_changes"]) == ("in_review", head, False)
    assert (shown["live"]["additions"], shown["live"]["mergeable"]) == (2, True)
    assert shown["live"]["cost_usd"] == 1.5
    assert await scene.tip(repo, job.branch) == head
    [runner] = await scene.db.read(show_runners)
    assert (runner["status"], runner["current_job_id"]) == ("idle", None)


async def test_finish_checks_the_log_and_the_push(scene: Scene) -> None:
    """R14: push, then the log, then finish; the server looks at both."""
    repo = await scene.repo()
    _, job = await scene.working(repo)
    with pytest.raises(SequenceGap) as gap:
        await scene.finish(job, last_seq=3)
    assert gap.value.extra == {"expected": 1}
    head = scene.commit(repo, {"a": "b"}, [job.base_sha])
    with pytest.raises(Conflict) as refused:
        await scene.finish(job, head_sha=head)
    assert refused.value.code == "not_pushed"
    assert (await scene.job_row(job.job_id)).status == "running"


async def test_the_same_finish_gets_the_same_answer_and_another_lease_none(scene: Scene) -> None:
    repo = await scene.repo()
    card, job = await scene.working(repo)
    head = await scene.work(job, {"a": "b"})
    first = await scene.finish(job, head_sha=head)
    version = (await scene.card_row(card)).version
    assert await scene.finish(job, head_sha=head) == first
    both = await asyncio.gather(scene.finish(job), scene.finish(job, StopReason.AGENT_FAILED))
    assert both == [first, first]
    assert (await scene.card_row(card)).version == version
    with pytest.raises(LeaseLost):
        await scene.finish(job.model_copy(update={"lease": "lease_of_nobody"}))
    await touch(scene.ctx, job.job_id, job.lease, closed_ok=True)
    with pytest.raises(LeaseLost):
        await touch(scene.ctx, job.job_id, job.lease)


@pytest.mark.parametrize("reason", list(StopReason))
async def test_each_stop_reason_leads_its_card_somewhere(scene: Scene, reason: StopReason) -> None:
    repo = await scene.repo()
    card, job = await scene.working(repo)
    await scene.finish(job, reason, error="Because\0.")
    row = await scene.card_row(card)
    expected = {
        StopReason.FINISHED: "in_review",
        StopReason.NO_CHANGES: "in_review",
        StopReason.CANCELLED: "todo",
    }.get(reason, "failed")
    assert row.status == expected
    if expected == "failed":
        assert row.failure is not None
        assert row.failure["reason"] == reason.value
        assert row.failure["detail"] == "Because\ufffd."
        assert row.failure["hint"]
    else:
        assert row.failure is None
    # Without a branch there is nothing to review but the agent's words.
    assert row.no_changes is (expected == "in_review")
    await scene.start(card) if expected != "in_review" else None


async def test_work_of_a_failed_job_is_on_the_branch(scene: Scene) -> None:
    repo = await scene.repo()
    card, job = await scene.working(repo)
    head = await scene.work(job, {"half.txt": "1"})
    await scene.finish(job, StopReason.TIMED_OUT, head_sha=head)
    assert await scene.tip(repo, job.branch) == head
    await scene.start(card, CardCommand.RETRY)
    again = await scene.claimed(await scene.runner())
    assert (again.branch, again.branch_sha) == (job.branch, head)


async def test_a_follow_up_without_changes_leaves_the_work_to_review(scene: Scene) -> None:
    repo = await scene.repo()
    card, head = await scene.in_review(repo)
    remark = Remark("app.py", "new", None, 1, "?")
    await request_changes(scene.ctx, card, "Is it right?", [remark], PERSON)
    job = await scene.claimed(await scene.runner())
    assert job.task.message == "Is it right?"
    assert [(c.path, c.line, c.body) for c in job.task.comments] == [("app.py", 1, "?")]
    await scene.finish(job, StopReason.NO_CHANGES)
    row = await scene.card_row(card)
    assert (row.status, row.no_changes, row.head_sha) == ("in_review", False, head)


async def test_a_further_round_has_the_agents_session_and_a_fresh_one_has_not(
    scene: Scene,
) -> None:
    repo = await scene.repo()
    card, job = await scene.working(repo)
    head = await scene.work(job, {"a": "b"})
    await scene.finish(job, head_sha=head, session="the-session")
    await scene.start(card, CardCommand.REQUEST_CHANGES, RunRequest(message="More"))
    again = await scene.claimed(await scene.runner())
    assert again.resume.session == "the-session"
    await scene.finish(again, StopReason.AGENT_FAILED, session="the-session")
    await scene.start(card, CardCommand.RETRY, RunRequest(fresh=True))
    fresh = await scene.claimed(await scene.runner())
    assert (fresh.resume.session, fresh.branch_sha, fresh.resume.head) == (None, None, None)


async def test_a_fresh_start_keeps_the_former_tip_in_the_archive(scene: Scene) -> None:
    repo = await scene.repo()
    card, old = await scene.in_review(repo)
    await scene.start(card, CardCommand.REQUEST_CHANGES, RunRequest(message="Anew", fresh=True))
    job = await scene.claimed(await scene.runner())
    head = await scene.work(job, {"other.txt": "1"}, [job.base_sha])
    await scene.finish(job, head_sha=head)
    assert await scene.tip(repo, job.branch) == head
    assert await scene.ref(repo, "refs/lazyaf/archive/1/1") == old
    assert (await scene.card_row(card)).rejections == 1


async def test_a_person_who_pushed_meanwhile_is_not_overwritten(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = await scene.repo()
    card, job = await scene.working(repo)
    head = await scene.work(job, {"a": "b"})
    theirs = scene.commit(repo, {"theirs": "1"}, [job.base_sha])
    from lazyaf.services import finish_job

    real = finish_job.move_branch

    async def push_first(*args: Any, **kwargs: Any) -> None:
        await scene.set_ref(repo, f"refs/heads/{job.branch}", theirs)
        await real(*args, **kwargs)

    monkeypatch.setattr(finish_job, "move_branch", push_first)
    await scene.finish(job, head_sha=head)
    row = await scene.card_row(card)
    assert row.status == "failed"
    assert row.failure is not None
    assert row.failure["reason"] == "push_rejected"
    assert head[:12] in row.failure["detail"]
    assert await scene.tip(repo, job.branch) == theirs
    assert await scene.ref(repo, f"{job.push_prefix}head") == head


async def test_a_finish_that_was_begun_does_not_speak_for_the_next_attempt(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = await scene.repo()
    card, job = await scene.working(repo)
    old = await scene.work(job, {"old.txt": "1"})
    from lazyaf.services import finish_job

    async def stumble(*_: Any, **__: Any) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(finish_job, "move_branch", stumble)
    with pytest.raises(OSError, match="full"):
        await scene.finish(job, head_sha=old)
    monkeypatch.undo()
    assert await scene.db.read(find_intent, card) is not None
    scene.clock.advance(61)
    await reap(scene.ctx)
    assert await scene.db.read(find_intent, card) is None
    again = await scene.claimed(await scene.runner())
    new = await scene.work(again, {"new.txt": "1"})
    await scene.finish(again, head_sha=new)
    assert await scene.tip(repo, job.branch) == new
    assert (await scene.card_row(card)).status == "in_review"
