"""Claiming, logging, checkpoints, finishing, cancelling and losing jobs (R7, R12-R15)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from factories.scene import BASE_FILES, Scene
from lazyaf.domain.cards import CardCommand
from lazyaf.domain.errors import (
    Conflict,
    IllegalTransition,
    LeaseLost,
    NotFound,
    SequenceGap,
    UnsupportedProtocol,
)
from lazyaf.domain.events import PERSON
from lazyaf.domain.jobs import StopReason
from lazyaf.protocol.entries import Entry, EntryKind, Usage
from lazyaf.protocol.messages import AgentOffer, CheckpointRequest, RegisterRequest
from lazyaf.services.append_log import announce_progress, append_log
from lazyaf.services.cancel_job import cancel_card, cancel_job, send_command
from lazyaf.services.cards import edit_card
from lazyaf.services.edit_repo import edit_repo
from lazyaf.services.leases import pending_commands, touch
from lazyaf.services.read_log import read_log
from lazyaf.services.reap import lose_runner, reap
from lazyaf.services.record_checkpoint import record_checkpoint
from lazyaf.services.runners import drain_runner, register_runner, show_runners
from lazyaf.services.start_card import RunRequest
from lazyaf.store.events import events_after
from lazyaf.store.intents import find_intent
from lazyaf.store.jobs import get_attempt, live_attempts
from lazyaf.store.tables import attempts, jobs


async def events(scene: Scene) -> list[str]:
    return [row.type for row in await scene.db.read(events_after, 0, 1000)]


# Claim


async def test_a_claimed_job_says_what_a_runner_needs(scene: Scene) -> None:
    repo = await scene.repo("demo")
    card = await scene.card(repo, "Fix it", description="Do.", agent_options={"command": "true"})
    await scene.start(card, request=RunRequest(message="please"))
    job = await scene.claimed(await scene.runner())
    base = await scene.tip(repo, "main")
    assert (job.base, job.base_sha, job.branch, job.branch_sha) == (
        "main",
        base,
        "lazyaf/1-fix-it",
        None,
    )
    assert job.push_prefix == f"refs/lazyaf/jobs/{job.job_id}/1/"
    assert (job.agent, job.agent_options) == ("script", {"command": "true"})
    assert (job.task.title, job.task.description, job.task.message) == ("Fix it", "Do.", "please")
    assert "job.claimed" in await events(scene)
    [runner] = await scene.db.read(show_runners)
    assert (runner["status"], runner["current_card"]["id"]) == ("busy", card)


async def test_the_same_claim_gets_the_same_job_and_lease(scene: Scene) -> None:
    repo = await scene.repo()
    for _ in range(2):
        await scene.start(await scene.card(repo))
    runner = await scene.runner()
    first = await scene.claim(runner, "claim-of-mine")
    again = await scene.claim(runner, "claim-of-mine")
    assert first is not None
    assert again == first
    assert len(await scene.db.read(live_attempts)) == 1


async def test_a_claim_whose_job_is_over_gets_nothing(scene: Scene) -> None:
    repo = await scene.repo()
    await scene.start(await scene.card(repo))
    runner = await scene.runner()
    job = await scene.claim(runner, "claim-of-mine")
    assert job is not None
    await scene.finish(job, StopReason.AGENT_FAILED)
    assert await scene.claim(runner, "claim-of-mine") is None


async def test_higher_priority_first_then_the_older_one(scene: Scene) -> None:
    repo = await scene.repo()
    cards = [await scene.card(repo, f"p{p}", priority=p) for p in (0, 2, 4, 2)]
    for card in cards:
        await scene.start(card)
    order = []
    for _ in cards:
        job = await scene.claimed(await scene.runner())
        order.append(cards.index(job.task.card_id))
    assert order == [2, 1, 3, 0]


async def test_a_waiting_card_moves_in_the_queue_with_its_priority(scene: Scene) -> None:
    repo = await scene.repo()
    first, second = await scene.card(repo), await scene.card(repo)
    await scene.start(first)
    await scene.start(second)
    assert (await scene.shown(second))["live"]["queue_position"] == 2
    change = {"priority": 4}
    edited = await scene.db.write(edit_card, second, change, None, PERSON, scene.clock.now())
    assert edited.summary["live"]["queue_position"] == 1
    assert (await scene.claimed(await scene.runner())).task.card_id == second


async def test_two_claims_never_share_a_job(scene: Scene) -> None:
    repo = await scene.repo()
    for _ in range(3):
        await scene.start(await scene.card(repo))
    runners = [await scene.runner() for _ in range(5)]
    found = await asyncio.gather(*(scene.claim(runner) for runner in runners))
    taken = [job.job_id for job in found if job is not None]
    assert len(taken) == len(set(taken)) == 3


async def test_only_what_the_runner_can_run(scene: Scene) -> None:
    repo = await scene.repo()
    await scene.start(await scene.card(repo, agent="claude"))
    other = await scene.runner(agents=["script"])
    assert await scene.claim(other) is None
    assert await scene.claim(await scene.runner(agents=["claude"])) is not None


async def test_a_card_for_an_agent_that_no_runner_has_is_refused_with_the_reason(
    scene: Scene,
) -> None:
    repo = await scene.repo()
    await scene.runner(agents=["script"])
    with pytest.raises(Conflict) as refused:
        await scene.start(await scene.card(repo, agent="claude"))
    assert refused.value.code == "agent_unavailable"


async def test_no_more_jobs_run_than_the_limit_of_the_repository(scene: Scene) -> None:
    repo = await scene.repo(files={**BASE_FILES, ".lazyaf/config.toml": "[limits]\nwip = 1\n"})
    other = await scene.repo()
    for card in (await scene.card(repo), await scene.card(repo), await scene.card(other)):
        await scene.start(card)
    first = await scene.claimed(await scene.runner())
    second = await scene.claimed(await scene.runner())
    assert (first.repo.id, second.repo.id) == (repo, other)
    assert await scene.claim(await scene.runner()) is None
    await scene.finish(first, StopReason.AGENT_FAILED)
    assert (await scene.claimed(await scene.runner())).repo.id == repo


async def test_a_draining_runner_gets_nothing(scene: Scene) -> None:
    repo = await scene.repo()
    await scene.start(await scene.card(repo))
    runner = await scene.runner("leaving")
    await scene.db.write(drain_runner, "leaving")
    assert await scene.claim(runner) is None


async def test_a_base_that_is_gone_fails_the_card_with_the_reason(scene: Scene) -> None:
    repo = await scene.repo()
    await scene.push(repo, "next", {"a": "b"})
    card = await scene.card(repo, base_branch="next")
    await scene.start(card)
    await scene.ctx.git.git(repo, ["update-ref", "-d", "refs/heads/next"])
    assert await scene.claim(await scene.runner()) is None
    row = await scene.card_row(card)
    assert row.status == "failed"
    assert row.failure is not None
    assert "next" in row.failure["detail"]


# Registration


async def test_a_second_live_instance_of_a_name_is_refused(scene: Scene) -> None:
    def request(instance: str, **fields: Any) -> RegisterRequest:
        offers = [AgentOffer(name="script")]
        return RegisterRequest(
            name="one",
            instance_id=instance,
            version="1",
            agents=offers,
            **{"protocol": 1, **fields},
        )

    await register_runner(scene.ctx, request("instance-a"), "t")
    await register_runner(scene.ctx, request("instance-a"), "t")  # harmless
    with pytest.raises(Conflict) as refused:
        await register_runner(scene.ctx, request("instance-b"), "t")
    assert refused.value.code == "runner_name_taken"
    with pytest.raises(UnsupportedProtocol, match="pip install"):
        await register_runner(scene.ctx, request("instance-a", protocol=99), "t")
    scene.clock.advance(31)
    await reap(scene.ctx)
    scene.clock.advance(31)
    await reap(scene.ctx)
    await register_runner(scene.ctx, request("instance-b"), "t")
    with pytest.raises(NotFound) as unknown:
        await scene.claim("instance-a")
    assert unknown.value.code == "unknown_runner"


async def test_an_instance_under_a_new_name_is_known_once(scene: Scene) -> None:
    for name in ("before", "after"):
        request = RegisterRequest(name=name, instance_id="the-instance", version="1", protocol=1)
        await register_runner(scene.ctx, request, "token-of-runners")
    assert [r["name"] for r in await scene.db.read(show_runners)] == ["after"]
    assert await scene.claim("the-instance") is None


# Lost answers and lost runners


async def test_an_answer_that_was_lost_costs_no_attempt(scene: Scene) -> None:
    """R12: no contact within 10 s, so the runner never got the job."""
    repo = await scene.repo()
    card, job = await scene.working(repo)
    assert await reap(scene.ctx) == 0
    scene.clock.advance(10.5)
    assert await reap(scene.ctx) == 1
    row = await scene.job_row(job.job_id)
    assert (row.status, row.attempt, row.spent) == ("queued", 1, 0)
    assert (await scene.card_row(card)).status == "in_progress"
    with pytest.raises(LeaseLost):
        await scene.log(job, 1, "late")
    again = await scene.claimed(await scene.runner())
    assert (again.job_id, again.attempt) == (job.job_id, 2)
    assert again.lease != job.lease


async def test_a_runner_that_was_lost_at_work_spends_an_attempt_and_the_second_fails_the_card(
    scene: Scene,
) -> None:
    repo = await scene.repo()
    card, job = await scene.working(repo)
    await scene.log(job, 1, "I begin")
    scene.clock.advance(59)
    assert await reap(scene.ctx) == 0
    scene.clock.advance(2)
    assert await reap(scene.ctx) == 1
    assert (await scene.job_row(job.job_id)).spent == 1
    again = await scene.claimed(await scene.runner())
    await scene.log(again, 1, "I begin anew")
    scene.clock.advance(61)
    assert await reap(scene.ctx) == 1
    row = await scene.card_row(card)
    assert row.status == "failed"
    assert row.failure is not None
    assert row.failure["reason"] == "runner_lost"
    log = await scene.db.read(read_log, job.job_id, after=0, before=None, limit=100)
    assert [(e["kind"], e["attempt"]) for e in log.items] == [
        ("message", 1),
        ("system", 1),
        ("message", 2),
    ]
    assert log.is_final


async def test_any_request_with_a_lease_extends_it(scene: Scene) -> None:
    repo = await scene.repo()
    _, job = await scene.working(repo)
    for _ in range(4):
        scene.clock.advance(45)
        await touch(scene.ctx, job.job_id, job.lease)
        assert await reap(scene.ctx) == 0


async def test_after_an_absence_of_the_server_everyone_has_a_full_period(scene: Scene) -> None:
    """R15: a tick that comes late is ours to answer for."""
    repo = await scene.repo()
    _, job = await scene.working(repo)
    await scene.log(job, 1, "I begin")
    presence = scene.ctx.presence
    assert presence.tick(1.0) is False
    scene.clock.advance(3600)
    assert presence.tick(1.0) is True
    assert await reap(scene.ctx) == 0
    scene.clock.advance(1)
    assert presence.tick(1.0) is False


async def test_a_runner_that_died_is_not_waited_for(scene: Scene) -> None:
    repo = await scene.repo()
    await scene.start(await scene.card(repo))
    job = await scene.claimed(await scene.runner("local-1"))
    await lose_runner(scene.ctx, "local-1", spends=False)
    row = await scene.job_row(job.job_id)
    assert (row.status, row.spent) == ("queued", 0)
    await lose_runner(scene.ctx, "nobody", spends=True)


async def test_a_lease_that_is_lost_while_being_cancelled_ends_the_job(scene: Scene) -> None:
    repo = await scene.repo()
    card, job = await scene.working(repo)
    await scene.log(job, 1, "I begin")
    await cancel_card(scene.ctx, card, PERSON)
    scene.clock.advance(61)
    await reap(scene.ctx)
    assert (await scene.card_row(card)).status == "todo"
    assert (await scene.job_row(job.job_id)).status == "cancelled"


# Log


async def test_overlap_is_trimmed_and_a_gap_is_named(scene: Scene) -> None:
    repo = await scene.repo()
    _, job = await scene.working(repo)
    assert await scene.log(job, 1, "a", "b") == 2
    assert await scene.log(job, 1, "a", "b", "c") == 3
    assert await scene.log(job, 2, "b") == 3
    with pytest.raises(SequenceGap) as gap:
        await scene.log(job, 5, "e")
    assert gap.value.extra == {"expected": 4}
    found = await scene.db.read(read_log, job.job_id, after=0, before=None, limit=100)
    assert [(e["seq"], e["attempt"], e["text"]) for e in found.items] == [
        (1, 1, "a"),
        (2, 1, "b"),
        (3, 1, "c"),
    ]


async def test_a_log_writes_no_event_and_the_board_hears_of_it_by_progress(scene: Scene) -> None:
    repo = await scene.repo()
    card, job = await scene.working(repo)
    before = await events(scene)
    entries = [
        Entry(at="now", kind=EntryKind.PHASE, name="working"),
        Entry(at="now", kind=EntryKind.TOOL_CALL, name="Bash", text="npm\0test\nmore"),
        Entry(at="now", kind=EntryKind.USAGE, usage=Usage(cost_usd=0.5, turns=2)),
    ]
    await append_log(scene.ctx, job.job_id, job.lease, 1, entries)
    assert await events(scene) == before
    await scene.db.write(announce_progress, job.job_id)
    assert (await events(scene))[len(before) :] == ["job.progressed"]
    live = (await scene.shown(card))["live"]
    assert (live["phase"], live["last_action"], live["cost_usd"]) == (
        "working",
        "Bash npm test more",
        0.5,
    )


@pytest.mark.parametrize("cost", [float("inf"), float("nan")])
async def test_no_figure_of_a_runner_breaks_the_board(scene: Scene, cost: float) -> None:
    repo = await scene.repo()
    card, job = await scene.working(repo)
    usage = Usage.model_construct(**{**Usage().model_dump(), "cost_usd": cost})
    entry = Entry(at="now", kind=EntryKind.USAGE).model_copy(update={"usage": usage})
    phase = Entry(at="now", kind=EntryKind.PHASE, name="p" * 200)
    await append_log(scene.ctx, job.job_id, job.lease, 1, [entry, phase])
    live = (await scene.shown(card))["live"]
    assert (live["cost_usd"], live["phase"]) == (None, "fetching")


# Checkpoints


async def test_a_checkpoint_moves_the_branch_forward_and_only_to_the_head(scene: Scene) -> None:
    repo = await scene.repo()
    card, job = await scene.working(repo)
    head = await scene.work(job, {"a.txt": "1"})
    dirty = scene.commit(repo, {"a.txt": "2"}, [head])
    request = CheckpointRequest(head_sha=head, sha=dirty, additions=1, files=1, session="s")
    with pytest.raises(Conflict) as refused:
        await record_checkpoint(scene.ctx, job.job_id, job.lease, request)
    assert refused.value.code == "not_pushed"
    await scene.set_ref(repo, f"{job.push_prefix}checkpoint", dirty)
    await record_checkpoint(scene.ctx, job.job_id, job.lease, request)
    assert await scene.tip(repo, job.branch) == head
    row = await scene.job_row(job.job_id)
    assert (row.head_sha, row.checkpoint_sha, row.session_id) == (head, dirty, "s")
    last = (await scene.db.read(events_after, 0, 1000))[-1]
    assert last.type == "job.progressed"  # whoever lists the board now sees what was announced
    assert last.data.count(f'"version":{(await scene.card_row(card)).version}')
    # The next attempt resumes from there.
    await lose_runner(scene.ctx, "runner-2", spends=False)
    scene.clock.advance(61)
    await reap(scene.ctx)
    again = await scene.claimed(await scene.runner())
    assert (again.resume.head, again.resume.checkpoint, again.resume.session) == (head, dirty, "s")


async def test_a_checkpoint_with_a_lost_lease_moves_nothing(scene: Scene) -> None:
    repo = await scene.repo()
    _, job = await scene.working(repo)
    head = await scene.work(job, {"a.txt": "1"})
    scene.clock.advance(11)
    await reap(scene.ctx)
    with pytest.raises(LeaseLost):
        await record_checkpoint(scene.ctx, job.job_id, job.lease, CheckpointRequest(head_sha=head))
    assert await scene.tip(repo, job.branch) is None


# Finish


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
    request = RunRequest(message="Is it right?", comments=[{"path": "a", "line": 1, "body": "?"}])
    await scene.start(card, CardCommand.REQUEST_CHANGES, request)
    job = await scene.claimed(await scene.runner())
    assert job.task.message == "Is it right?"
    assert [c.model_dump() for c in job.task.comments] == [{"path": "a", "line": 1, "body": "?"}]
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


# Cancel


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
    commands = await scene.db.read(pending_commands, job.job_id, 0)
    assert [c.type for c in commands] == ["cancel"]
    with pytest.raises(IllegalTransition):
        await scene.start(card)
    head = await scene.work(job, {"half": "1"})  # lease and credential live on
    assert await scene.finish(job, StopReason.CANCELLED, head_sha=head) == "cancelled"
    row = await scene.card_row(card)
    assert (row.status, row.head_sha) == ("todo", head)
    assert await scene.tip(repo, job.branch) == head


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
    found = await scene.db.read(pending_commands, job.job_id, 0)
    assert [(c.type, c.text) for c in found] == [
        ("message", "Also the tests."),
        ("interrupt", None),
    ]
    assert await scene.db.read(pending_commands, job.job_id, found[-1].id) == []
    await scene.finish(job)
    with pytest.raises(Conflict) as over:
        await send_command(scene.ctx, job.job_id, "message", "Hello?")
    assert over.value.code == "job_not_running"


# Settings


async def test_limits_of_the_file_are_what_the_runner_gets(scene: Scene) -> None:
    repo = await scene.repo(
        files={
            **BASE_FILES,
            ".lazyaf/config.toml": '[limits]\njob = "5m"\n[setup]\nrun = "make"\n',
            ".lazyaf/prompt.md": "Be\0 brief.",
        }
    )
    changes = {"settings": {"job_limit_s": 60, "idle_limit_s": "2m"}}
    await edit_repo(scene.ctx, repo, changes, if_match=None, actor=PERSON)
    _, job = await scene.working(repo)
    assert (job.limits.job_s, job.limits.idle_s, job.setup) == (300, 120, "make")
    assert job.prompt_template == "Be\ufffd brief."


# The last guards


async def test_the_database_itself_refuses_a_second_open_job_and_a_second_live_attempt(
    scene: Scene,
) -> None:
    from sqlalchemy import insert
    from sqlalchemy.exc import IntegrityError

    repo = await scene.repo()
    _, job = await scene.working(repo)
    row = await scene.job_row(job.job_id)
    attempt = await scene.db.read(get_attempt, job.job_id, 1)
    assert attempt is not None
    second = {name: getattr(row, name) for name in row.__dataclass_fields__ if name != "usage"} | {
        "id": scene.new_id(),
        "status": "queued",
    }
    with pytest.raises(IntegrityError):
        await scene.db.write(lambda tx: tx.execute(insert(jobs), second))
    live = {name: getattr(attempt, name) for name in attempt.__dataclass_fields__} | {
        "attempt": 2,
        "claim_id": "another",
        "lease_hash": "another",
        "git_hash": "another",
    }
    with pytest.raises(IntegrityError):
        await scene.db.write(lambda tx: tx.execute(insert(attempts), live))
    await scene.db.write(lambda tx: tx.execute(insert(attempts), live | {"state": "lost"}))
