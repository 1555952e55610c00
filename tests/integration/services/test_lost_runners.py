"""Runners that register, fall silent and are lost, and what becomes of their jobs (R12, R15)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from factories.scene import Scene
from lazyaf.domain.errors import Conflict, LeaseLost, NotFound, Unavailable, UnsupportedProtocol
from lazyaf.domain.events import PERSON
from lazyaf.domain.runners import RunnerEnd
from lazyaf.protocol.entries import EntryKind, Phase
from lazyaf.protocol.messages import AgentOffer, Job, RegisterRequest
from lazyaf.services import reap as reaping
from lazyaf.services.cancel_job import cancel_card
from lazyaf.services.housekeeping import Housekeeping
from lazyaf.services.leases import touch
from lazyaf.services.presence import Presence
from lazyaf.services.read_log import read_log
from lazyaf.services.reap import lose_runner, reap
from lazyaf.services.runners import register_runner, show_runners


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
    await register_runner(scene.ctx, request("instance-c", replaces="instance-a"), "t")
    with pytest.raises(Conflict):
        await register_runner(scene.ctx, request("instance-d", replaces="instance-a"), "t")
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


async def test_a_runner_that_was_not_heard_of_for_a_while_still_has_its_job(scene: Scene) -> None:
    """Its heartbeats were lost and its lease was not: said again, it is busy and gets no second job."""
    repo = await scene.repo()
    for _ in range(2):
        await scene.start(await scene.card(repo))
    await scene.runner("one")
    job = await scene.claimed("instance-one")
    await reap(scene.ctx)
    scene.clock.advance(31)
    await touch(scene.ctx, job.job_id, job.lease)
    await reap(scene.ctx)
    assert [r["status"] for r in await scene.db.read(show_runners)] == ["offline"]
    request = RegisterRequest(
        name="one",
        instance_id="instance-one",
        version="1",
        protocol=1,
        agents=[AgentOffer(name="script")],
        current_job_id=job.job_id,
    )
    await register_runner(scene.ctx, request, "token-of-runners")
    [shown] = await scene.db.read(show_runners)
    assert (shown["status"], shown["current_job_id"]) == ("busy", job.job_id)
    assert await scene.claim("instance-one") is None
    stranger = {"name": "two", "instance_id": "instance-two"}
    await register_runner(scene.ctx, request.model_copy(update=stranger), "token-of-runners")
    shown = (await scene.db.read(show_runners))[1]
    assert (shown["status"], shown["current_job_id"]) == ("idle", None)  # it only says so


async def test_a_runner_that_is_heard_of_while_we_look_keeps_its_job(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = await scene.repo()
    _, job = await scene.working(repo)
    scene.clock.advance(11)
    real = reaping.lose_attempt

    async def in_the_last_moment(*args: Any) -> bool:
        await touch(scene.ctx, job.job_id, job.lease)
        return await real(*args)

    monkeypatch.setattr(reaping, "lose_attempt", in_the_last_moment)
    assert await reap(scene.ctx) == 0
    assert (await scene.job_row(job.job_id)).status == "running"


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


@pytest.mark.parametrize("clean", [True, False], ids=["a clean tree", "uncommitted work"])
async def test_what_was_pushed_but_never_recorded_is_where_the_next_attempt_begins(
    scene: Scene, clean: bool
) -> None:
    repo = await scene.repo()
    card, job = await scene.working(repo)
    head = await scene.work(job, {"a.txt": "committed\n"})
    old = scene.commit(repo, {"old.txt": "older than the head\n"}, [job.base_sha])
    work = scene.commit(repo, {"b.txt": "not committed\n"}, [head])
    await scene.set_ref(repo, f"{job.push_prefix}checkpoint", old if clean else work)
    await lose_runner(scene.ctx, "runner-2", RunnerEnd.DIED)

    again = await scene.claimed(await scene.runner())
    assert (again.job_id, again.attempt) == (job.job_id, 2)
    assert (again.resume.head, again.resume.checkpoint) == (head, None if clean else work)
    branch = (await scene.card_row(card)).branch_name
    assert branch is not None
    assert await scene.tip(repo, branch) == head


async def test_a_runner_that_ended_while_there_was_no_server_spends_nothing(scene: Scene) -> None:
    """R15: what this server has never heard of was lost under the former one, or before a restore."""
    repo = await scene.repo()
    _, job = await scene.working(repo)
    await scene.log(job, 1, "I begin")
    scene.ctx = replace(scene.ctx, presence=Presence(scene.clock.monotonic))  # another server
    assert await reap(scene.ctx) == 0
    scene.clock.advance(61)
    assert await reap(scene.ctx) == 1
    row = await scene.job_row(job.job_id)
    assert (row.status, row.spent) == ("queued", 0)


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


async def test_while_the_database_was_away_nobody_could_be_heard_of(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R15: that is the server's absence, too."""
    repo = await scene.repo()
    _, job = await scene.working(repo)
    await scene.log(job, 1, "I begin")
    housekeeping = Housekeeping(scene.ctx, upkeep=lambda: asyncio.sleep(0))

    async def away(*_: Any) -> None:
        raise Unavailable("The database does not answer.")

    monkeypatch.setattr(scene.db, "read", away)
    for _ in range(20):  # in time, and in vain
        scene.clock.advance(4)
        await housekeeping._turn(1)
    monkeypatch.undo()
    scene.clock.advance(4)
    await housekeeping._turn(1)
    scene.clock.advance(4)
    await housekeeping._turn(1)
    assert (await scene.job_row(job.job_id)).status == "running"
    for _ in range(16):
        scene.clock.advance(4)
        await housekeeping._turn(1)
    row = await scene.job_row(job.job_id)
    assert (row.status, row.spent) == ("queued", 1)


async def test_a_runner_that_died_is_not_waited_for(scene: Scene) -> None:
    repo = await scene.repo()
    await scene.start(await scene.card(repo))
    job = await scene.claimed(await scene.runner("local-1"))
    await lose_runner(scene.ctx, "local-1", RunnerEnd.WITH_SERVER)
    row = await scene.job_row(job.job_id)
    assert (row.status, row.spent) == ("queued", 0)
    await lose_runner(scene.ctx, "nobody", RunnerEnd.DIED)


async def test_a_runner_whose_memory_runs_out_again_ends_the_job_for_that(scene: Scene) -> None:
    repo = await scene.repo()
    await scene.start(await scene.card(repo))
    for spent in (1, 2):
        job = await scene.claimed(await scene.runner("docker-1"))
        await lose_runner(scene.ctx, "docker-1", RunnerEnd.OUT_OF_MEMORY)
        row = await scene.job_row(job.job_id)
        assert row.spent == min(spent, 1)
    assert (row.status, row.stop_reason) == ("failed", "out_of_memory")


async def test_a_lease_that_is_lost_while_being_cancelled_ends_the_job(scene: Scene) -> None:
    repo = await scene.repo()
    card, job = await scene.working(repo)
    await scene.log(job, 1, "I begin")
    await cancel_card(scene.ctx, card, PERSON)
    scene.clock.advance(61)
    await reap(scene.ctx)
    assert (await scene.card_row(card)).status == "todo"
    assert (await scene.job_row(job.job_id)).status == "cancelled"


async def test_a_cancelled_job_may_take_long_to_save_its_work_but_not_to_end(scene: Scene) -> None:
    repo = await scene.repo()

    async def after(seconds: float, job: Job) -> str:
        """Where the job is when its runner has been silent for no longer than it may."""
        for _ in range(int(seconds / 20)):
            await reap(scene.ctx)
            scene.clock.advance(20)
            if (await scene.job_row(job.job_id)).status == "running":
                await touch(scene.ctx, job.job_id, job.lease)
        await reap(scene.ctx)
        return (await scene.job_row(job.job_id)).status

    card, job = await scene.working(repo)
    await cancel_card(scene.ctx, card, PERSON)
    assert await after(60, job) == "cancelled"

    card, job = await scene.working(repo)
    await cancel_card(scene.ctx, card, PERSON)
    await scene.tell(
        job, 1, {"at": scene.clock.now(), "kind": EntryKind.PHASE, "name": Phase.PUSHING.value}
    )
    assert await after(600, job) == "running"
    assert await after(400, job) == "cancelled"
