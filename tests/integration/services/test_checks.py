"""Checks of cards in review: when they run, on what, and what becomes of them."""

from __future__ import annotations

import pytest

from factories.checked import LINT, TESTS, Checked
from factories.scene import Scene
from lazyaf.domain.cards import CardCommand
from lazyaf.domain.errors import Conflict, LeaseLost
from lazyaf.domain.events import PERSON
from lazyaf.domain.jobs import StopReason
from lazyaf.domain.runners import RunnerEnd
from lazyaf.git import refs
from lazyaf.protocol.messages import CheckpointRequest
from lazyaf.services.cancel_job import cancel_job
from lazyaf.services.cards import delete_card
from lazyaf.services.decide_card import reject_card
from lazyaf.services.radar import look_at
from lazyaf.services.reap import lose_runner
from lazyaf.services.record_checkpoint import record_checkpoint
from lazyaf.services.recover import recover
from lazyaf.services.run_checks import REFS, run_checks
from lazyaf.services.start_card import RunRequest
from lazyaf.store.repos import get_repo, update_repo
from lazyaf.store.tx import Tx


@pytest.fixture
def checked(scene: Scene) -> Checked:
    return Checked(scene)


async def kept(scene: Scene, repo: str) -> dict[str, str]:
    return await refs.list_refs(scene.ctx.git, repo, REFS)


async def test_a_card_in_review_is_checked_as_what_merging_it_would_make(
    scene: Scene, checked: Checked
) -> None:
    repo = await checked.repo([TESTS, LINT])
    card, head = await checked.in_review(repo, {"new.txt": "1"})
    base = await scene.tip(repo, "main")
    shown = await scene.shown(card)
    assert shown["checks"] == {
        "job_id": shown["checks"]["job_id"],
        "state": "queued",
        "base_sha": base,
        "head_sha": head,
        "total": 2,
        "passed": 0,
        "failed": [],
    }
    assert shown["status"] == "in_review"
    assert shown["live"]["job_status"] == "completed"  # the agent's job, which stays the card's

    job = await checked.claim()
    assert [(c.name, c.run, c.timeout_s) for c in job.checks] == [
        ("tests", "make test", 600.0),
        ("lint", "make lint", 60.0),
    ]
    assert base is not None
    assert set(await refs.parents(scene.ctx.git, repo, job.base_sha)) == {base, head}
    assert (job.branch_sha, job.resume.head, job.agent_env) == (job.base_sha, None, {})
    assert (await scene.shown(card))["checks"]["state"] == "running"
    assert list((await kept(scene, repo)).values()) == [job.base_sha]

    version = (await scene.card_row(card)).version
    await checked.end(job, "lint")
    row = await scene.card_row(card)
    assert row.checks is not None
    assert (row.checks["state"], row.checks["passed"], row.checks["failed"]) == (
        "failed",
        1,
        ["lint"],
    )
    assert (row.status, row.head_sha, row.failure) == ("in_review", head, None)
    assert row.version > version
    assert (await scene.told_cards())[card]["checks"]["state"] == "failed"
    [run] = await checked.runs(card)
    assert [(r["name"], r["outcome"], r["exit_code"]) for r in run.results] == [
        ("tests", "passed", 0),
        ("lint", "failed", 1),
    ]
    assert (await scene.job_row(job.job_id)).stop_reason == "checks_failed"
    assert await kept(scene, repo) == {}
    assert await checked.is_idle()


async def test_only_the_repositorys_own_word_names_checks(scene: Scene, checked: Checked) -> None:
    """The file counts as it is at the tip of the default branch: no agent rewrites its examiner."""
    repo = await checked.repo([])
    mine = {".lazyaf/config.toml": '[[checks]]\nname = "mine"\nrun = "true"\n'}
    card, _ = await checked.in_review(repo, mine)
    assert (await scene.shown(card))["checks"] is None
    assert await checked.is_idle()
    real = {".lazyaf/config.toml": '[[checks]]\nname = "real"\nrun = "make"\n', "more.txt": "1"}
    other, _ = await checked.in_review(repo, {"other.txt": "1"})
    await scene.push(repo, "main", real)
    await checked.settled()
    job = await checked.claim()
    assert ([c.name for c in job.checks], job.task.card_id) == (["real"], other)
    assert (await scene.shown(card))["live"]["mergeable"] is False  # the same file on both sides


async def test_a_new_head_is_checked_and_its_former_run_stopped(
    scene: Scene, checked: Checked
) -> None:
    repo = await checked.repo()
    card, head = await checked.in_review(repo)
    first = await checked.claim()
    branch = (await scene.card_row(card)).branch_name or ""
    newer = await scene.push(repo, branch, {"more.txt": "1"})
    await checked.settled()
    assert (await scene.job_row(first.job_id)).cancel_requested
    assert [run.head_sha for run in await checked.runs(card)] == [head]  # one at a time
    await scene.finish(first, StopReason.CANCELLED)
    await checked.settled()
    assert [(r.head_sha, r.state) for r in await checked.runs(card)] == [
        (newer, "queued"),
        (head, "cancelled"),
    ]
    await checked.end(await checked.claim())
    assert (await scene.shown(card))["checks"]["state"] == "passed"


async def test_a_base_that_moves_costs_no_run(scene: Scene, checked: Checked) -> None:
    repo = await checked.repo()
    await checked.passed(repo)
    await scene.push(repo, "main", {"else.txt": "1"})
    await checked.settled()
    assert await checked.is_idle()


async def test_other_checks_are_another_question(scene: Scene, checked: Checked) -> None:
    repo = await checked.repo()
    card, _ = await checked.passed(repo)
    await checked.settings(repo, checks=[LINT])
    assert [c.name for c in (await checked.claim()).checks] == ["lint"]
    assert len(await checked.runs(card)) == 2


async def test_leaving_review_ends_the_checks(scene: Scene, checked: Checked) -> None:
    repo = await checked.repo([])
    rejected, _ = await checked.in_review(repo)
    changed, _ = await checked.in_review(repo)
    await checked.settings(repo, checks=[TESTS])
    await reject_card(scene.ctx, rejected, PERSON)
    await scene.start(changed, CardCommand.REQUEST_CHANGES, RunRequest(message="More."))
    await checked.settled()
    for card in (rejected, changed):
        assert [run.state for run in await checked.runs(card)] == ["cancelled"]
    job = await scene.claimed(await scene.runner())
    assert (job.kind, job.task.card_id) == ("agent", changed)


async def test_checks_that_were_not_run_to_their_end_say_nothing(
    scene: Scene, checked: Checked
) -> None:
    repo = await checked.repo([TESTS, LINT])
    card, _ = await checked.in_review(repo)
    job = await checked.claim()
    await scene.finish(job, StopReason.SETUP_FAILED, error="npm is not there")
    await checked.settled()
    assert (await scene.shown(card))["checks"]["state"] == "broken"
    assert await checked.is_idle()  # not again and again
    await run_checks(scene.ctx, card, PERSON)
    job = await checked.claim()
    # A runner that says “finished” and reports but one of two has not passed them.
    job = job.model_copy(update={"checks": job.checks[:1]})
    await checked.end(job)
    assert (await scene.shown(card))["checks"]["state"] == "broken"


async def test_a_lost_runner_costs_no_result(scene: Scene, checked: Checked) -> None:
    repo = await checked.repo()
    card, head = await checked.in_review(repo)
    runner = await scene.runner("doomed")
    job = await scene.claimed(runner)
    await lose_runner(scene.ctx, "doomed", RunnerEnd.DIED)
    assert (await scene.shown(card))["checks"]["state"] == "queued"
    with pytest.raises(LeaseLost):
        await scene.finish(job)
    again = await checked.claim()
    assert (again.job_id, again.attempt, again.base_sha) == (job.job_id, 2, job.base_sha)
    await checked.end(again)
    assert (await scene.shown(card))["checks"]["state"] == "passed"
    assert (await scene.card_row(card)).head_sha == head


async def test_a_job_of_checks_moves_no_branch(scene: Scene, checked: Checked) -> None:
    repo = await checked.repo()
    card, head = await checked.in_review(repo)
    job = await checked.claim()
    evil = await scene.work(job, {"evil.txt": "1"})
    with pytest.raises(Conflict):
        await record_checkpoint(scene.ctx, job.job_id, job.lease, CheckpointRequest(head_sha=evil))
    await scene.finish(job, head_sha=evil)
    await checked.settled()
    row = await scene.card_row(card)
    assert (row.status, row.head_sha) == ("in_review", head)
    assert await scene.tip(repo, row.branch_name or "") == head


async def test_checks_count_against_no_limit_and_come_first(scene: Scene, checked: Checked) -> None:
    repo = await checked.repo(wip_limit=1)
    card, _ = await checked.in_review(repo)
    cards = [await scene.card(repo) for _ in range(2)]
    for waiting in cards:
        await scene.start(waiting)
    check = await checked.claim()
    job = await scene.claimed(await scene.runner())  # a check that runs fills no column
    assert job.task.card_id == cards[0]
    assert await checked.is_idle()  # but this one does
    await checked.end(check)
    await run_checks(scene.ctx, card, PERSON)
    await checked.end(await checked.claim())  # and a full column holds no checks


async def test_a_card_that_does_not_merge_is_not_checked(scene: Scene, checked: Checked) -> None:
    repo = await checked.repo()
    card_id, job = await scene.working(repo)
    await scene.push(repo, "main", {"readme.md": "ours\n"})
    head = await scene.work(job, {"readme.md": "theirs\n"})
    await scene.finish(job, head_sha=head)
    await checked.settled()
    assert (await scene.shown(card_id))["checks"] is None
    with pytest.raises(Conflict, match="conflicts"):
        await run_checks(scene.ctx, card_id, PERSON)
    assert await kept(scene, repo) == {}


async def test_what_cannot_be_run_again_says_why(scene: Scene, checked: Checked) -> None:
    repo = await checked.repo([])
    card, _ = await scene.in_review(repo)
    with pytest.raises(Conflict, match="has no checks") as refused:
        await run_checks(scene.ctx, card, PERSON)
    assert refused.value.code == "no_checks"
    await checked.settings(repo, checks=[TESTS])
    with pytest.raises(Conflict, match="running already"):
        await run_checks(scene.ctx, card, PERSON)
    with pytest.raises(Conflict, match="not over"):
        await scene.db.write(delete_card, card, PERSON)
    [run] = await checked.runs(card)
    await cancel_job(scene.ctx, run.job_id, PERSON)
    await checked.settled()
    assert [r.state for r in await checked.runs(card)] == ["cancelled"]
    assert await checked.is_idle()  # who stopped them did not ask for others
    todo = await scene.card(repo)
    with pytest.raises(Conflict, match="not in review"):
        await run_checks(scene.ctx, todo, PERSON)


async def test_a_failure_goes_back_to_the_agent_so_often_and_no_oftener(
    scene: Scene, checked: Checked
) -> None:
    repo = await checked.repo(fix_rounds=1)
    card, head = await checked.in_review(repo)
    await checked.end(await checked.claim(), "tests")
    job = await scene.claimed(await scene.runner())
    assert job.task.card_id == card
    assert "“tests” (make test) exited with code 1" in job.task.message
    assert "tests said no" in job.task.message
    newer = await scene.work(job, {"fixed.txt": "1"}, [head])
    await scene.finish(job, head_sha=newer)
    await checked.settled()
    await checked.end(await checked.claim(), "tests")
    assert (await scene.card_row(card)).status == "in_review"  # its one round is used up
    assert await checked.is_idle()
    await scene.start(card, CardCommand.REQUEST_CHANGES, RunRequest(message="Look again."))
    await checked.settled()
    assert (await scene.card_row(card)).fix_rounds == 0  # a person has spoken


async def test_a_start_begins_what_a_crash_has_kept_from_beginning(
    scene: Scene, checked: Checked
) -> None:
    repo = await checked.repo([])
    card, head = await scene.in_review(repo)
    await scene.db.write(_name_checks, repo)
    await look_at(scene.ctx, repo)
    [run] = await checked.runs(card)
    assert (run.state, run.head_sha) == ("queued", head)
    await scene.set_ref(repo, f"{REFS}of-a-dead-server", run.merged_sha)
    await recover(scene.ctx)
    assert list(await kept(scene, repo)) == [f"{REFS}{run.job_id}"]


def _name_checks(tx: Tx, repo_id: str) -> None:
    checks = [{**TESTS, "timeout_s": 600.0}]
    update_repo(tx, get_repo(tx, repo_id), {"settings": {"checks": checks}})
