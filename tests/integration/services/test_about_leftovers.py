"""What a runner is told of what lies about on its disk."""

from __future__ import annotations

from factories.scene import Scene
from lazyaf.domain.events import PERSON
from lazyaf.domain.jobs import StopReason
from lazyaf.domain.runners import RunnerEnd
from lazyaf.protocol.messages import LeftoversRequest, LeftoversResponse
from lazyaf.services.about_leftovers import about_leftovers
from lazyaf.services.cards import delete_card
from lazyaf.services.feed import trim_feed
from lazyaf.services.reap import lose_runner
from lazyaf.services.repositories import delete_repo

NOTHING = LeftoversResponse()


async def test_cards_are_at_work_deleted_or_neither(scene: Scene) -> None:
    repo_id = await scene.repo()
    running, _ = await scene.working(repo_id)
    queued = await scene.card(repo_id)
    await scene.start(queued)
    resting, deleted, unknown = await scene.card(repo_id), await scene.card(repo_id), scene.new_id()
    await scene.db.write(delete_card, deleted, PERSON)
    asked = LeftoversRequest(cards=[running, queued, resting, deleted, unknown])
    told = await about_leftovers(scene.ctx, asked)
    assert sorted(told.at_work) == sorted([running, queued])
    assert told.deleted == [deleted]


async def test_a_deletion_is_known_for_as_long_as_its_event_is_kept(scene: Scene) -> None:
    repo_id = await scene.repo()
    card = await scene.card(repo_id)
    await scene.db.write(delete_card, card, PERSON)
    await scene.card(repo_id)
    await scene.db.write(trim_feed, "2100")
    assert await about_leftovers(scene.ctx, LeftoversRequest(cards=[card])) == NOTHING


async def test_repositories_are_deleted_or_not(scene: Scene) -> None:
    kept, gone = await scene.repo(), await scene.repo()
    await delete_repo(scene.ctx, gone, PERSON)
    told = await about_leftovers(scene.ctx, LeftoversRequest(repos=[kept, gone, "nonsense"]))
    assert told.deleted == [gone]


async def test_attempts_are_live_or_not(scene: Scene) -> None:
    repo_id = await scene.repo()
    _, first = await scene.working(repo_id)
    _, closed = await scene.working(repo_id)
    await scene.finish(closed, StopReason.AGENT_FAILED)
    attempts = [f"{first.job_id}/1", f"{first.job_id}/2", f"{closed.job_id}/1", "nonsense"]
    told = await about_leftovers(scene.ctx, LeftoversRequest(attempts=attempts))
    assert told.live == [f"{first.job_id}/1"]
    await lose_runner(scene.ctx, "runner-2", RunnerEnd.DIED)
    assert await about_leftovers(scene.ctx, LeftoversRequest(attempts=attempts)) == NOTHING


async def test_commits_are_reached_by_some_ref_or_not(scene: Scene) -> None:
    repo_id = await scene.repo()
    main = await scene.tip(repo_id, "main")
    assert main is not None
    loose = scene.commit(repo_id, {"a": "1\n"}, [main])
    commits = {repo_id: [main, loose, "f" * 40], scene.new_id(): [main], "nonsense": [main]}
    told = await about_leftovers(scene.ctx, LeftoversRequest(commits=commits))
    assert told.reached == [main]
    await scene.set_ref(repo_id, "refs/lazyaf/jobs/x/orphan/1", loose)
    told = await about_leftovers(scene.ctx, LeftoversRequest(commits={repo_id: [loose]}))
    assert told.reached == [loose]


async def test_without_a_question_there_is_no_answer(scene: Scene) -> None:
    assert await about_leftovers(scene.ctx, LeftoversRequest()) == NOTHING
