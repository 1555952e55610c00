"""The agent's conversation on the server: who may leave one, who gets it, and how long it is kept."""

from __future__ import annotations

import pytest

from factories.scene import Scene
from lazyaf.domain.cards import CardCommand
from lazyaf.domain.errors import Conflict, LeaseLost
from lazyaf.domain.events import PERSON
from lazyaf.domain.jobs import StopReason
from lazyaf.domain.leftovers import LeftoverKind
from lazyaf.domain.runners import RunnerEnd
from lazyaf.protocol.messages import Job, SessionRequest, SessionResponse
from lazyaf.services.approve_card import approve_card
from lazyaf.services.cards import delete_card
from lazyaf.services.decide_card import reopen_card
from lazyaf.services.keep_session import keep_session, kept_session
from lazyaf.services.reap import lose_runner
from lazyaf.services.stale_refs import remove, stale_refs
from lazyaf.services.start_card import RunRequest
from lazyaf.services.upkeep import Upkeep

DAY = 86_400.0
NOTHING = SessionResponse()


async def keep(scene: Scene, job: Job, session: str = "s-1", text: str = "hello") -> str:
    """A runner leaves the conversation so far; the commit."""
    sha = scene.commit(job.repo.id, {"000000": f"{session}: {text}\n"}, [])
    await scene.set_ref(job.repo.id, f"{job.push_prefix}session", sha)
    await keep_session(scene.ctx, job.job_id, job.lease, SessionRequest(session=session, sha=sha))
    return sha


async def kept(scene: Scene, job: Job) -> SessionResponse:
    return await kept_session(scene.ctx, job.job_id, job.lease)


async def end(scene: Scene, job: Job, session: str | None = "s-1") -> None:
    """The agent is done and has changed something."""
    head = await scene.work(job, {f"{job.job_id}.txt": "work\n"})
    await scene.finish(job, head_sha=head, session=session)


async def left(scene: Scene, job: Job) -> bool:
    """Whether the attempt's ref is still there."""
    return await scene.ref(job.repo.id, f"{job.push_prefix}session") is not None


async def test_the_next_attempt_gets_what_the_last_one_left(scene: Scene) -> None:
    repo = await scene.repo()
    _, first = await scene.working(repo)
    assert await kept(scene, first) == NOTHING
    await keep(scene, first, text="hello")
    sha = await keep(scene, first, text="hello again")
    await lose_runner(scene.ctx, "runner-2", RunnerEnd.DIED)
    second = await scene.claimed(await scene.runner())
    assert second.resume.session == "s-1"
    assert await kept(scene, second) == SessionResponse(session="s-1", sha=sha)


@pytest.mark.parametrize(
    ("message", "has"), [("Session s-1\n", "s-1"), ("Session ../x\n", None), ("mine\n", None)]
)
async def test_what_was_pushed_without_a_word_is_kept_when_its_runner_is_lost(
    scene: Scene, message: str, has: str | None
) -> None:
    repo = await scene.repo()
    _, first = await scene.working(repo)
    sha = scene.commit(repo, {"000000": "hello\n"}, [], message)
    await scene.set_ref(repo, f"{first.push_prefix}session", sha)
    await lose_runner(scene.ctx, "runner-2", RunnerEnd.DIED)

    second = await scene.claimed(await scene.runner())
    assert second.resume.session == has
    assert await kept(scene, second) == SessionResponse(session=has, sha=has and sha)


async def test_a_later_push_without_a_word_takes_the_place_of_what_was_kept(scene: Scene) -> None:
    repo = await scene.repo()
    _, first = await scene.working(repo)
    await keep(scene, first)
    sha = scene.commit(repo, {"000000": "hello again\n"}, [], "Session s-1\n")
    await scene.set_ref(repo, f"{first.push_prefix}session", sha)
    await lose_runner(scene.ctx, "runner-2", RunnerEnd.DIED)

    second = await scene.claimed(await scene.runner())
    assert await kept(scene, second) == SessionResponse(session="s-1", sha=sha)


async def test_what_was_not_pushed_is_not_recorded(scene: Scene) -> None:
    repo = await scene.repo()
    _, job = await scene.working(repo)
    sha = scene.commit(repo, {"000000": "hello\n"}, [])
    request = SessionRequest(session="s-1", sha=sha)
    with pytest.raises(Conflict) as refused:
        await keep_session(scene.ctx, job.job_id, job.lease, request)
    assert refused.value.code == "not_pushed"
    assert await kept(scene, job) == NOTHING


async def test_a_lost_lease_neither_leaves_nor_gets_one(scene: Scene) -> None:
    repo = await scene.repo()
    _, job = await scene.working(repo)
    sha = await keep(scene, job)
    await lose_runner(scene.ctx, "runner-2", RunnerEnd.DIED)
    with pytest.raises(LeaseLost):
        await keep_session(scene.ctx, job.job_id, job.lease, SessionRequest(session="s-1", sha=sha))
    with pytest.raises(LeaseLost):
        await kept(scene, job)


async def test_a_later_round_gets_that_of_its_own_agent(scene: Scene) -> None:
    repo = await scene.repo()
    card, first = await scene.working(repo, agent="claude")
    sha = await keep(scene, first)
    await end(scene, first)
    await scene.start(card, CardCommand.REQUEST_CHANGES)
    second = await scene.claimed(await scene.runner())
    assert await kept(scene, second) == SessionResponse(session="s-1", sha=sha)


async def test_a_fresh_start_gets_none(scene: Scene) -> None:
    repo = await scene.repo()
    card, first = await scene.working(repo)
    await keep(scene, first)
    await scene.finish(first, StopReason.AGENT_FAILED)
    await scene.start(card, CardCommand.RETRY, RunRequest(fresh=True))
    second = await scene.claimed(await scene.runner())
    assert second.resume.session is None
    assert await kept(scene, second) == NOTHING


async def test_one_that_belongs_to_an_older_conversation_is_not_given(scene: Scene) -> None:
    repo = await scene.repo()
    card, first = await scene.working(repo)
    await keep(scene, first)
    await end(scene, first, session="s-2")  # begun anew, and never saved
    await scene.start(card, CardCommand.REQUEST_CHANGES)
    second = await scene.claimed(await scene.runner())
    assert second.resume.session == "s-2"
    assert await kept(scene, second) == NOTHING


async def expire(scene: Scene, repo: str) -> int:
    """Remove the conversations that nobody will go on with; how many."""
    found = await stale_refs(scene.ctx, repo)
    gone = [s for s in found if s.kind is LeftoverKind.CONVERSATIONS]
    return sum([await remove(scene.ctx, repo, stale) for stale in gone])


async def test_only_the_newest_of_a_card_stays(scene: Scene) -> None:
    repo = await scene.repo()
    card, first = await scene.working(repo)
    await keep(scene, first)
    await end(scene, first)
    await scene.start(card, CardCommand.REQUEST_CHANGES)
    second = await scene.claimed(await scene.runner())
    assert await expire(scene, repo) == 0
    sha = await keep(scene, second, text="and more")
    assert await expire(scene, repo) == 1
    assert not await left(scene, first)
    await end(scene, second)
    scene.clock.advance(400 * DAY)
    assert await expire(scene, repo) == 0
    assert await scene.ref(repo, f"{second.push_prefix}session") == sha


async def test_what_a_running_attempt_has_just_pushed_stays(scene: Scene) -> None:
    repo = await scene.repo()
    _, job = await scene.working(repo)
    sha = scene.commit(repo, {"000000": "not recorded yet\n"}, [])
    await scene.set_ref(repo, f"{job.push_prefix}session", sha)
    assert await expire(scene, repo) == 0
    await lose_runner(scene.ctx, "runner-2", RunnerEnd.DIED)
    assert await expire(scene, repo) == 1


async def test_that_of_a_done_card_stays_for_a_month(scene: Scene) -> None:
    repo = await scene.repo()
    card, job = await scene.working(repo)
    sha = await keep(scene, job)
    await end(scene, job)
    scene.clock.advance(60 * DAY)  # a long review
    head = (await scene.card_row(card)).head_sha
    assert head is not None
    await approve_card(scene.ctx, card, head, PERSON)
    scene.clock.advance(29 * DAY)
    assert await expire(scene, repo) == 0
    await reopen_card(scene.ctx, card, PERSON)
    await scene.start(card)
    again = await scene.claimed(await scene.runner())
    assert await kept(scene, again) == SessionResponse(session="s-1", sha=sha)


async def test_after_that_month_it_is_gone_and_no_job_is_told_of_it(scene: Scene) -> None:
    repo = await scene.repo()
    card, job = await scene.working(repo)
    await keep(scene, job)
    await end(scene, job)
    head = (await scene.card_row(card)).head_sha
    assert head is not None
    await approve_card(scene.ctx, card, head, PERSON)
    scene.clock.advance(31 * DAY)
    assert await expire(scene, repo) == 1
    assert not await left(scene, job)
    await reopen_card(scene.ctx, card, PERSON)
    await scene.start(card)
    assert await kept(scene, await scene.claimed(await scene.runner())) == NOTHING


async def test_upkeep_expires_that_of_a_deleted_card(scene: Scene) -> None:
    repo = await scene.repo()
    card, job = await scene.working(repo)
    await keep(scene, job)
    await end(scene, job)
    await scene.db.write(delete_card, card, PERSON)
    await Upkeep(scene.ctx, 1).look_after_all()
    assert not await left(scene, job)
