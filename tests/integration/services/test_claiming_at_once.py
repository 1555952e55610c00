"""Runners that claim at once: they are answered together, each as if it had asked alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import event, update

from factories.scene import TOKEN, Scene
from lazyaf.domain.errors import NotFound
from lazyaf.domain.events import PERSON
from lazyaf.git import refs
from lazyaf.git.refs import RefUpdate
from lazyaf.services.claim_job import Look, claim_job
from lazyaf.services.edit_repo import edit_repo
from lazyaf.services.hand_out_jobs import Answer, Ask, Claimed, Nothing, hand_out_jobs
from lazyaf.services.runners import drain_runner
from lazyaf.services.settings import edit_settings
from lazyaf.store.events import events_after
from lazyaf.store.jobs import live_attempts
from lazyaf.store.tables import runners
from support.at_once import at_once


async def started(scene: Scene, repo: str, **fields: Any) -> str:
    card = await scene.card(repo, **fields)
    await scene.start(card)
    return card


async def looks(scene: Scene, instances: Sequence[str], claim: str = "claim") -> list[Any]:
    """What each of these runners is answered when all ask at once."""
    asks = [
        claim_job(scene.ctx, instance, TOKEN, f"{claim}-{n:06}")
        for n, instance in enumerate(instances)
    ]
    return await at_once(scene.db, *asks)


async def handed_out(scene: Scene, instances: Sequence[str]) -> list[Answer]:
    """What each is answered in one transaction. What fails in it is not tried again for each alone."""
    ctx = scene.ctx
    asks = [
        Ask(instance, TOKEN, f"ask-{n:06}", ctx.keys, ctx.supplies, ctx.clock.now())
        for n, instance in enumerate(instances)
    ]
    return await scene.db.write(hand_out_jobs, asks)


async def cards(scene: Scene, instances: Sequence[str]) -> list[str | None]:
    """The card that each gets."""
    answers = await handed_out(scene, instances)
    return [answer.job.card_id if isinstance(answer, Claimed) else None for answer in answers]


async def limit_agent(scene: Scene, agent: str, limit: int) -> None:
    await scene.db.write(edit_settings, {"agent_limits": {agent: limit}}, PERSON)


async def limit_repo(scene: Scene, repo: str, limit: int) -> None:
    changes = {"settings": {"wip_limit": limit}}
    await edit_repo(scene.ctx, repo, changes, if_match=None, actor=PERSON)


async def test_each_gets_another_job_in_the_order_of_the_queue(scene: Scene) -> None:
    one, other = await scene.repo(), await scene.repo()
    last = await started(scene, one, priority=0)
    first = await started(scene, other, priority=2)
    second = await started(scene, one, priority=2)
    runners = [await scene.runner() for _ in range(4)]
    assert await cards(scene, runners) == [first, second, last, None]
    held = await scene.db.read(live_attempts)
    assert len({attempt.job_id for attempt in held}) == 3
    assert len({attempt.lease_hash for attempt in held}) == 3


async def test_many_take_no_more_statements_than_one(scene: Scene, dialect: str) -> None:
    repo = await scene.repo()
    said: list[str] = []
    for jobs, count in ((4, 5), (1, 1)):
        for _ in range(jobs):
            await started(scene, repo)
        line = [await scene.runner(agents=["script"]) for _ in range(count)]
        said.clear()
        event.listen(scene.db._writer_engine, "before_cursor_execute", listener := noting(said))
        found = await looks(scene, line, f"{count}-at-once")
        assert sum(look.job is not None for look in found) == jobs
        event.remove(scene.db._writer_engine, "before_cursor_execute", listener)
        # On PostgreSQL the events take a lock of their own.
        assert len(said) == {"sqlite": 8, "postgresql": 9}[dialect], said


def noting(said: list[str]) -> Any:
    return lambda *told: said.append(told[2])


async def test_the_feed_tells_of_each_job_and_its_runner_in_order(scene: Scene) -> None:
    repo = await scene.repo()
    for _ in range(2):
        await started(scene, repo)
    line = [await scene.runner("a"), await scene.runner("b")]
    before = (await scene.db.read(events_after, 0, 1000))[-1].id
    found = await looks(scene, line)
    told = await scene.db.read(events_after, before, 1000)
    assert [(e.type, e.actor) for e in told] == [
        ("job.claimed", "runner:a"),
        ("runner.updated", "runner:a"),
        ("job.claimed", "runner:b"),
        ("runner.updated", "runner:b"),
    ]
    assert [e.subject for e in told[::2]] == [look.job.job_id for look in found]


@pytest.mark.parametrize("limited", ["repository", "agent"])
async def test_a_limit_holds_among_those_who_ask_at_once(scene: Scene, limited: str) -> None:
    one, other = await scene.repo(), await scene.repo()
    first, *_ = [await started(scene, one, agent="script") for _ in range(3)]
    away = [await started(scene, other, agent="claude") for _ in range(2)]
    if limited == "repository":
        await limit_repo(scene, one, 1)
    else:
        await limit_agent(scene, "script", 1)
    line = [await scene.runner() for _ in range(4)]
    assert await cards(scene, line) == [first, *away, None]
    [later] = await looks(scene, line[3:], "later")
    assert later.job is None


async def test_room_for_two_is_given_to_two(scene: Scene) -> None:
    repo = await scene.repo()
    here = [await started(scene, repo) for _ in range(4)]
    await limit_repo(scene, repo, 2)
    line = [await scene.runner() for _ in range(4)]
    assert await cards(scene, line) == [*here[:2], None, None]


async def test_a_limit_holds_between_runners_of_different_agents(scene: Scene) -> None:
    repo = await scene.repo()
    first = await started(scene, repo, agent="script")
    await started(scene, repo, agent="claude")
    await limit_repo(scene, repo, 1)
    line = [await scene.runner(agents=[agent]) for agent in ("script", "claude")]
    assert await cards(scene, line) == [first, None]


async def test_what_lies_behind_a_full_repository_is_found_by_every_one(scene: Scene) -> None:
    """The heads that are read are all of the full repository; whoever looks further sees what those
    before have taken."""
    full, free = await scene.repo(), await scene.repo()
    before = [await started(scene, full) for _ in range(6)]
    behind = [await started(scene, free) for _ in range(3)]
    await limit_repo(scene, full, 1)
    await limit_repo(scene, free, 2)
    line = [await scene.runner() for _ in range(5)]
    assert await cards(scene, line) == [before[0], *behind[:2], None, None]


async def test_a_runner_of_one_repository_takes_its_jobs_beside_the_others(scene: Scene) -> None:
    one, other = await scene.repo(), await scene.repo()
    first, second = await started(scene, one), await started(scene, one)
    own = await started(scene, other)
    line = [await scene.runner() for _ in range(3)]
    bound = update(runners).where(runners.c.instance_id == line[0]).values(repo_id=other)
    await scene.db.write(lambda tx: tx.execute(bound))
    assert await cards(scene, line) == [own, first, second]


async def test_who_is_refused_does_not_disturb_the_others(scene: Scene) -> None:
    repo = await scene.repo()
    card = await started(scene, repo)
    draining, there = await scene.runner("draining"), await scene.runner("there")
    await scene.db.write(drain_runner, "draining")
    unknown, none, found = await handed_out(scene, ["nobody", draining, there])
    assert isinstance(unknown, NotFound)
    assert unknown.code == "unknown_runner"
    assert isinstance(none, Nothing)
    assert none.lanes == frozenset()
    assert isinstance(found, Claimed)
    assert found.job.card_id == card


async def test_a_claim_that_is_made_twice_at_once_has_one_job(scene: Scene) -> None:
    repo = await scene.repo()
    for _ in range(2):
        await started(scene, repo)
    runner = await scene.runner()
    once, again = await at_once(
        scene.db, *(claim_job(scene.ctx, runner, TOKEN, "claim-twice") for _ in range(2))
    )
    assert isinstance(once, Look)
    assert isinstance(again, Look)
    assert once.job is not None
    assert again.job == once.job
    assert len(await scene.db.read(live_attempts)) == 1


async def test_all_whose_answers_were_lost_get_theirs_again(scene: Scene) -> None:
    """Beside one that claims for the first time."""
    repo = await scene.repo()
    for _ in range(4):
        await started(scene, repo)
    runners = [await scene.runner() for _ in range(3)]
    lost = await looks(scene, runners)
    again = await looks(scene, [*runners, await scene.runner()])
    assert [look.job for look in again[:3]] == [look.job for look in lost]
    assert again[3].job is not None
    assert len({look.job.job_id for look in again}) == 4
    assert len(await scene.db.read(live_attempts)) == 4


async def test_a_runner_that_makes_two_claims_at_once_has_one_job(scene: Scene) -> None:
    repo = await scene.repo()
    for _ in range(3):
        await started(scene, repo)
    greedy, other = await scene.runner(), await scene.runner()
    answers = await handed_out(scene, [greedy, greedy, other])
    assert [isinstance(answer, Claimed) for answer in answers] == [True, False, True]
    assert len(await scene.db.read(live_attempts)) == 2


async def test_a_claim_of_another_runner_is_spent_and_the_others_are_served(scene: Scene) -> None:
    repo = await scene.repo()
    for _ in range(2):
        await started(scene, repo)
    first, thief, other = [await scene.runner() for _ in range(3)]
    await claim_job(scene.ctx, first, TOKEN, "claim-first")
    stolen, fine = await at_once(
        scene.db,
        claim_job(scene.ctx, thief, TOKEN, "claim-first"),
        claim_job(scene.ctx, other, TOKEN, "claim-other"),
    )
    assert isinstance(stolen, Look)
    assert isinstance(fine, Look)
    assert (stolen.job, stolen.is_spent) == (None, True)
    assert fine.job is not None


async def test_one_whose_base_branch_is_gone_does_not_disturb_the_others(scene: Scene) -> None:
    repo = await scene.repo()
    tip = await scene.push(repo, "dev", {"app.py": "print('dev')\n"})
    first, _gone, last = [
        await started(scene, repo, base_branch=base) for base in (None, "dev", None)
    ]
    await refs.update(scene.ctx.git, repo, [RefUpdate("refs/heads/dev", None, tip)])
    found = await looks(scene, [await scene.runner() for _ in range(3)])
    assert [look.is_spent for look in found] == [False, True, False]
    assert [look.job and look.job.task.card_id for look in found] == [first, None, last]


async def test_nobody_gets_anything_while_giving_out_is_paused(scene: Scene) -> None:
    repo = await scene.repo()
    await started(scene, repo)
    line = [await scene.runner() for _ in range(2)]
    await scene.db.write(edit_settings, {"claims_paused": True}, PERSON)
    found = await looks(scene, line)
    assert [(look.job, "script" in look.lanes) for look in found] == [(None, True)] * 2
