"""Claiming: who gets which job, what it is told, and what the database refuses (R7, R12)."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest
from sqlalchemy import event

from factories.scene import BASE_FILES, Scene
from lazyaf.domain.errors import Conflict
from lazyaf.domain.events import PERSON
from lazyaf.domain.jobs import StopReason
from lazyaf.domain.runners import RunnerEnd
from lazyaf.services.edit_repo import edit_repo
from lazyaf.services.reap import lose_runner
from lazyaf.services.runners import drain_runner, show_runners
from lazyaf.services.start_card import RunRequest
from lazyaf.store.jobs import get_attempt, live_attempts
from lazyaf.store.tables import attempts, jobs


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
    assert "job.claimed" in await scene.event_types()
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


async def test_a_claim_whose_attempt_is_over_is_told_so_and_occupies_nobody(scene: Scene) -> None:
    repo = await scene.repo()
    await scene.start(await scene.card(repo))
    runner = await scene.runner()
    job = await scene.claim(runner, "claim-of-mine")
    assert job is not None
    await scene.finish(job, StopReason.AGENT_FAILED)
    again = await scene.claim(runner, "claim-of-mine")
    assert again == job.model_copy(update={"ended": "closed"})
    [shown] = await scene.db.read(show_runners)
    assert shown["status"] == "idle"


async def test_a_claim_whose_attempt_was_lost_gets_that_attempt_for_its_orphan(
    scene: Scene,
) -> None:
    repo = await scene.repo()
    await scene.start(await scene.card(repo))
    first = await scene.runner("one")
    job = await scene.claim(first, "claim-of-mine")
    assert job is not None
    await lose_runner(scene.ctx, "one", RunnerEnd.DIED)
    other = await scene.claimed(await scene.runner("two"))
    assert (other.job_id, other.attempt) == (job.job_id, 2)
    await scene.runner("one")
    again = await scene.claim(first, "claim-of-mine")
    assert again is not None
    assert (again.ended, again.attempt, again.lease) == ("lost", 1, job.lease)
    assert (again.push_prefix, again.repo.password) == (job.push_prefix, job.repo.password)
    assert len(await scene.db.read(live_attempts)) == 1


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


async def test_what_stands_for_checks_is_no_agent(scene: Scene) -> None:
    """With no runner there a card would wait for its agent, and as a job of checks for nothing."""
    card = await scene.card(await scene.repo(), agent="check")
    with pytest.raises(Conflict, match="No agent is called “check”"):
        await scene.start(card)


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


async def test_a_claim_takes_few_statements(scene: Scene, dialect: str) -> None:
    """Each costs a tenth of a millisecond, on PostgreSQL a quarter, while everybody else waits."""
    repo = await scene.repo()
    await scene.start(await scene.card(repo))
    runner = await scene.runner(agents=["script"])
    said: dict[str, list[str]] = {"writer": [], "reader": []}

    def note(who: str, *told: Any) -> None:
        said[who].append(told[2])

    event.listen(scene.db._writer_engine, "before_cursor_execute", partial(note, "writer"))
    event.listen(scene.db._reader_engine, "before_cursor_execute", partial(note, "reader"))
    assert await scene.claim(runner) is not None
    # On PostgreSQL the events take a lock of their own.
    assert len(said["writer"]) == {"sqlite": 8, "postgresql": 9}[dialect], said
    assert said["reader"] == []  # there is no attached file to look for
