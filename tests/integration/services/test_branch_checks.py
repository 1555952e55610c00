"""Checks of the default branch itself: when they run, on what, and how the branch stands."""

from __future__ import annotations

from typing import Any

import pytest

from factories.checked import LINT, TESTS, Checked
from factories.scene import Scene
from lazyaf.domain.errors import Conflict, LeaseLost, NotFound
from lazyaf.domain.events import PERSON
from lazyaf.domain.jobs import StopReason
from lazyaf.domain.runners import RunnerEnd
from lazyaf.git import refs
from lazyaf.protocol.messages import CheckpointRequest, Job, SessionRequest
from lazyaf.services.approve_card import approve_card
from lazyaf.services.cancel_job import cancel_job
from lazyaf.services.check_branch import check_branch
from lazyaf.services.edit_repo import edit_repo
from lazyaf.services.keep_session import keep_session
from lazyaf.services.list_cards import queue_of
from lazyaf.services.queue_checks import REFS
from lazyaf.services.reap import lose_runner
from lazyaf.services.record_checkpoint import record_checkpoint
from lazyaf.services.recover import recover
from lazyaf.services.repositories import delete_repo, show_repo
from lazyaf.services.show_checks import checks_of_branch
from lazyaf.store.check_runs import CheckRunRow, runs_of_branch


@pytest.fixture
def checked(scene: Scene) -> Checked:
    return Checked(scene)


async def shown(scene: Scene, repo: str) -> dict[str, Any]:
    """How the default branch stands."""
    known: dict[str, Any] | None = (await scene.db.read(show_repo, repo))["default_checks"]
    assert known is not None
    return known


async def runs(scene: Scene, repo: str) -> list[CheckRunRow]:
    return await scene.db.read(runs_of_branch, repo)


async def push(scene: Scene, checked: Checked, repo: str, text: str) -> str:
    sha = await scene.push(repo, "main", {"pushed.txt": text})
    await checked.settled()
    return sha


async def test_a_push_to_the_default_branch_is_checked_as_it_is(
    scene: Scene, checked: Checked
) -> None:
    repo = await checked.repo([TESTS, LINT], default_checks="check")
    await checked.end(await checked.claim())
    tip = await push(scene, checked, repo, "1")
    known = await shown(scene, repo)
    assert (known["sha"], known["state"], known["total"]) == (tip, "queued", 2)
    job = await checked.claim()
    assert (job.base_sha, job.branch_sha, job.branch, job.base) == (tip, tip, "main", "main")
    assert (job.agent_env, job.resume.head, job.attachments) == ({}, None, [])
    assert (job.task.card_id, job.task.title) == ("", "")
    assert await refs.list_refs(scene.ctx.git, repo, REFS) == {f"{REFS}{job.job_id}": tip}
    assert (await shown(scene, repo))["state"] == "running"
    await checked.end(job, "lint")
    known = await shown(scene, repo)
    assert (known["state"], known["passed"], known["failed"]) == ("failed", 1, ["lint"])
    assert known["red_since"] is not None
    assert known["card"] is None  # nobody asked for one
    [newest, first] = await scene.db.read(checks_of_branch, repo)
    assert (newest["state"], newest["card_id"], newest["head_sha"]) == ("failed", None, tip)
    assert first["state"] == "passed"
    assert await refs.list_refs(scene.ctx.git, repo, REFS) == {}
    assert await checked.is_idle()
    told = [t for t in await scene.event_types() if t.startswith("branch.checked")]
    assert told
    assert (await scene.job_row(job.job_id)).card_id is None


async def test_nothing_runs_by_itself_unless_the_settings_say_so(
    scene: Scene, checked: Checked
) -> None:
    repo = await checked.repo()
    tip = await push(scene, checked, repo, "1")
    assert await checked.is_idle()
    known = await shown(scene, repo)
    assert (known["sha"], known["state"], known["job_id"]) == (tip, None, None)
    # A person may ask all the same.
    after = await check_branch(scene.ctx, repo, PERSON)
    assert after["default_checks"]["state"] == "queued"
    with pytest.raises(Conflict) as refused:
        await check_branch(scene.ctx, repo, PERSON)
    assert refused.value.code == "job_open"
    await checked.end(await checked.claim())
    assert (await shown(scene, repo))["state"] == "passed"


async def test_the_default_branch_is_not_watched_without_checks(
    scene: Scene, checked: Checked
) -> None:
    repo = await checked.repo([], default_checks="open_card")
    await push(scene, checked, repo, "1")
    assert (await scene.db.read(show_repo, repo))["default_checks"] is None
    with pytest.raises(Conflict) as refused:
        await check_branch(scene.ctx, repo, PERSON)
    assert refused.value.code == "no_checks"
    await checked.settings(repo, checks=[TESTS])
    assert (await shown(scene, repo))["state"] == "queued"
    await checked.settings(repo, checks=[])
    assert (await scene.db.read(show_repo, repo))["default_checks"] is None
    assert await checked.is_idle()


async def test_only_the_newest_tip_is_checked(scene: Scene, checked: Checked) -> None:
    repo = await checked.repo(default_checks="check")
    await push(scene, checked, repo, "1")
    newest = await push(scene, checked, repo, "2")
    assert [r.state for r in await runs(scene, repo)] == ["queued", "cancelled", "cancelled"]
    job = await checked.claim()
    assert job.base_sha == newest
    assert await checked.is_idle()


async def test_a_running_check_of_a_former_tip_is_stopped_and_the_next_one_begins_after_it(
    scene: Scene, checked: Checked
) -> None:
    repo = await checked.repo(default_checks="check")
    first = await checked.claim()
    newer = await push(scene, checked, repo, "1")
    assert (await scene.job_row(first.job_id)).cancel_requested
    assert [r.state for r in await runs(scene, repo)] == ["running"]
    await scene.finish(first, StopReason.CANCELLED)
    await checked.settled()
    assert (await runs(scene, repo))[0].head_sha == newer
    # Of two runs one comes to its end, however fast the branch moves.
    second = await checked.claim()
    newest = await push(scene, checked, repo, "2")
    assert not (await scene.job_row(second.job_id)).cancel_requested
    known = await shown(scene, repo)
    assert (known["sha"], known["state"]) == (newest, None)
    await checked.end(second, "tests")
    known = await shown(scene, repo)
    assert (known["sha"], known["state"]) == (newest, "queued")
    assert known["red_since"] is not None  # what is known is not thrown away
    await checked.end(await checked.claim())
    assert (await shown(scene, repo))["red_since"] is None


async def test_other_checks_are_run_on_the_same_tip(scene: Scene, checked: Checked) -> None:
    repo = await checked.repo(default_checks="check")
    await checked.end(await checked.claim())
    await checked.settings(repo, checks=[TESTS, LINT])
    assert (await shown(scene, repo))["state"] == "queued"
    job = await checked.claim()
    assert [check.name for check in job.checks] == ["tests", "lint"]


async def test_what_the_merge_queue_has_checked_needs_no_second_run(
    scene: Scene, checked: Checked
) -> None:
    repo = await checked.repo(default_checks="check")
    await checked.end(await checked.claim())
    card, head = await checked.passed(repo, {"new.txt": "1"})
    await approve_card(scene.ctx, card, head, PERSON)
    await checked.settled()
    known = await shown(scene, repo)
    assert known["sha"] == await scene.tip(repo, "main") != head
    [of_card] = await checked.runs(card)
    assert (known["state"], known["job_id"]) == ("passed", of_card.job_id)
    assert await checked.is_idle()
    # Not so for other checks than those.
    await checked.settings(repo, checks=[TESTS, LINT])
    assert (await shown(scene, repo))["state"] == "queued"


async def test_what_several_cards_passed_together_needs_no_second_run(
    scene: Scene, checked: Checked
) -> None:
    repo = await checked.repo(default_checks="check")
    await checked.end(await checked.claim())
    cards = [await checked.passed(repo, {f"{name}.txt": name}) for name in ("one", "two")]
    await push(scene, checked, repo, "moved on")
    await checked.end(await checked.claim())
    await checked.approve_at_once(repo, cards)
    together = await checked.claim()
    assert await checked.tried(together) == [1, 2]
    await checked.end(together)
    known = await shown(scene, repo)
    assert known["sha"] == await scene.tip(repo, "main")
    assert (known["state"], known["job_id"]) == ("passed", together.job_id)
    assert await checked.is_idle()


async def test_a_lost_check_is_queued_again_and_given_up_within_its_attempts(
    scene: Scene, checked: Checked
) -> None:
    repo = await checked.repo(default_checks="check")
    first = await scene.claimed(await scene.runner("doomed"))
    await lose_runner(scene.ctx, "doomed", RunnerEnd.DIED)
    assert (await shown(scene, repo))["state"] == "queued"
    again = await scene.claimed(await scene.runner("doomed-too"))
    assert (again.job_id, again.attempt) == (first.job_id, 2)
    with pytest.raises(LeaseLost):
        await scene.finish(first)
    await lose_runner(scene.ctx, "doomed-too", RunnerEnd.DIED)
    await checked.settled()
    known = await shown(scene, repo)
    assert (known["state"], known["red_since"]) == ("broken", None)
    assert await checked.is_idle()  # it waits for somebody to ask, or for another tip


async def test_stopping_it_leaves_the_branch_unknown(scene: Scene, checked: Checked) -> None:
    repo = await checked.repo(default_checks="check")
    job = await checked.claim()
    await cancel_job(scene.ctx, job.job_id, PERSON)
    await scene.finish(job, StopReason.CANCELLED)
    await checked.settled()
    assert (await shown(scene, repo))["state"] == "cancelled"
    assert await checked.is_idle()


async def test_a_crash_while_it_runs_loses_and_doubles_nothing(
    scene: Scene, checked: Checked
) -> None:
    repo = await checked.repo(default_checks="check")
    job = await checked.claim()
    await recover(scene.ctx)
    assert await refs.list_refs(scene.ctx.git, repo, REFS) == {f"{REFS}{job.job_id}": job.base_sha}
    await scene.look(repo)
    assert len(await runs(scene, repo)) == 1
    await checked.end(job)
    assert (await shown(scene, repo))["state"] == "passed"


async def test_it_comes_before_cards_and_beyond_the_limit(scene: Scene, checked: Checked) -> None:
    repo = await checked.repo(wip_limit=1)
    _, working = await scene.working(repo)
    card = await scene.card(repo)
    await scene.start(card)
    await checked.settings(repo, default_checks="check")
    queued, _ = await scene.db.read(queue_of, repo, 0, 10)
    assert [one["card_id"] for one in queued] == [None, card]
    job = await checked.claim()
    assert job.task.card_id == ""
    assert working.job_id != job.job_id


async def test_a_runner_can_leave_nothing_with_it(scene: Scene, checked: Checked) -> None:
    repo = await checked.repo(default_checks="check")
    job = await checked.claim()
    sha = await scene.work(job, {"planted.txt": "1"})
    await scene.set_ref(repo, f"{job.push_prefix}session", sha)
    with pytest.raises(Conflict):
        await record_checkpoint(
            scene.ctx,
            job.job_id,
            job.lease,
            CheckpointRequest(head_sha=sha, sha=None, additions=1, deletions=0, files=1),
        )
    request = SessionRequest(session="planted", sha=sha)
    with pytest.raises(NotFound):
        await keep_session(scene.ctx, job.job_id, job.lease, request)
    before = await scene.tip(repo, "main")
    await scene.finish(job, head_sha=sha)
    await checked.settled()
    assert await scene.tip(repo, "main") == before
    assert (await shown(scene, repo))["state"] == "broken"  # it reported on no check


async def test_another_default_branch_begins_anew(scene: Scene, checked: Checked) -> None:
    repo = await checked.repo(default_checks="check")
    await checked.end(await checked.claim(), "tests")
    develop = await scene.push(repo, "develop", {"dev.txt": "1"})
    change = {"default_branch": "develop"}
    await edit_repo(scene.ctx, repo, change, if_match=None, actor=PERSON)
    await checked.settled()
    known = await shown(scene, repo)
    assert (known["branch"], known["sha"], known["state"]) == ("develop", develop, "queued")
    assert known["red_since"] is None


async def test_a_repository_goes_with_what_is_known_of_its_branch(
    scene: Scene, checked: Checked
) -> None:
    repo = await checked.repo(default_checks="check")
    job: Job = await checked.claim()
    with pytest.raises(Conflict):
        await delete_repo(scene.ctx, repo, PERSON)
    await checked.end(job)
    await delete_repo(scene.ctx, repo, PERSON)
    with pytest.raises(NotFound):
        await scene.db.read(show_repo, repo)
