"""The merge queue: approved cards are merged one at a time, each on the tip as it is then."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from factories.checked import TESTS, Checked
from factories.scene import Scene
from lazyaf.domain.cards import CardCommand
from lazyaf.domain.errors import BranchMoved, Conflict, MergeConflict
from lazyaf.domain.events import PERSON
from lazyaf.domain.jobs import StopReason
from lazyaf.domain.repo_settings import MergeMethod
from lazyaf.git import merge, refs
from lazyaf.services import carry_out_merge as merging
from lazyaf.services import merge_queue
from lazyaf.services.approve_card import approve_card
from lazyaf.services.cancel_job import cancel_job
from lazyaf.services.decide_card import reject_card
from lazyaf.services.queue_merge import withdraw_merge
from lazyaf.services.radar import look_at
from lazyaf.services.recover import recover
from lazyaf.services.run_checks import run_checks
from lazyaf.services.start_card import RunRequest
from lazyaf.store.queued_merges import queued_merges_of


@pytest.fixture
def checked(scene: Scene) -> Checked:
    return Checked(scene)


async def approve(
    scene: Scene, card: str, head: str, method: MergeMethod | None = None
) -> dict[str, Any]:
    shown = await approve_card(scene.ctx, card, head, PERSON, method)
    await scene.ctx.background.settle()
    return shown


async def has(scene: Scene, repo: str, sha: str) -> bool:
    """Whether main contains it."""
    tip = await scene.tip(repo, "main")
    assert tip is not None
    return await refs.is_ancestor(scene.ctx.git, repo, sha, tip)


async def test_what_has_passed_on_this_very_tip_is_merged_at_once(
    scene: Scene, checked: Checked
) -> None:
    repo = await checked.repo()
    card, head = await checked.passed(repo)
    shown = await approve(scene, card, head)
    assert (shown["status"], shown["merge_state"]) == ("done", None)
    assert await has(scene, repo, head)
    assert await checked.is_idle()


@pytest.mark.parametrize("method", list(MergeMethod))
async def test_what_is_merged_is_what_was_checked(
    scene: Scene, checked: Checked, method: MergeMethod
) -> None:
    repo = await checked.repo()
    card, head = await checked.passed(repo, {"new.txt": "1"})
    await scene.push(repo, "main", {"else.txt": "1"})
    tip = await scene.tip(repo, "main")
    shown = await approve(scene, card, head, method)
    assert (shown["status"], shown["merge_state"]["state"]) == ("in_review", "checking")
    job = await checked.claim()
    assert shown["merge_state"]["job_id"] == job.job_id
    assert await scene.tip(repo, "main") == tip
    await checked.end(job)
    assert (await scene.shown(card))["status"] == "done"
    merged = await scene.tip(repo, "main")
    assert merged is not None
    assert (await refs.parents(scene.ctx.git, repo, merged))[0] == tip
    trees = [await merge.tree_of(scene.ctx.git, repo, sha) for sha in (merged, job.base_sha)]
    assert trees[0] == trees[1]


async def test_what_fails_its_checks_is_bounced_and_the_next_has_its_turn(
    scene: Scene, checked: Checked
) -> None:
    repo = await checked.repo([])
    (bad, bad_head), (good, good_head) = [await scene.in_review(repo) for _ in range(2)]
    await checked.settings(repo, checks=[TESTS])
    await approve(scene, bad, bad_head)
    await approve(scene, good, good_head)
    jobs = [await checked.claim() for _ in range(2)]
    by_card = {job.task.card_id: job for job in jobs}
    await checked.end(by_card[good])
    assert (await scene.shown(good))["merge_state"]["state"] == "queued"  # in its turn
    await checked.end(by_card[bad], "tests")
    bounced = await scene.shown(bad)
    assert bounced["status"] == "in_review"
    assert bounced["merge_state"]["state"] == "bounced"
    assert bounced["merge_state"]["reason"] == "checks_failed"
    assert "tests" in bounced["merge_state"]["detail"]
    assert (await scene.shown(good))["status"] == "done"
    assert not await has(scene, repo, bad_head)
    again = await approve(scene, bad, bad_head)  # on the new tip it is another question
    assert again["merge_state"]["state"] == "checking"


async def test_ten_cards_that_conflict_pairwise_end_merged_or_bounced(
    scene: Scene, checked: Checked
) -> None:
    repo = await checked.repo([])
    cards = [await scene.in_review(repo, {"shared.txt": f"{n}\n"}) for n in range(10)]
    await checked.settings(repo, checks=[TESTS])
    await asyncio.gather(*(approve_card(scene.ctx, c, h, PERSON) for c, h in cards))
    while (job := await scene.claim(await scene.runner())) is not None:
        await checked.end(job)
    shown = [await scene.shown(card) for card, _ in cards]
    assert [s["status"] for s in shown].count("done") == 1
    bounced = [s["merge_state"] for s in shown if s["status"] == "in_review"]
    assert {(b["state"], b["reason"], *b["files"]) for b in bounced} == {
        ("bounced", "merge_conflict", "shared.txt")
    }
    assert await scene.db.read(queued_merges_of, repo) == []


async def test_a_base_that_moves_during_the_checks_is_checked_again(
    scene: Scene, checked: Checked
) -> None:
    repo = await checked.repo()
    card, head = await checked.in_review(repo)
    await approve(scene, card, head)
    first = await checked.claim()
    moved = await scene.push(repo, "main", {"else.txt": "1"})
    await checked.settled()
    await checked.end(first)
    assert (await scene.shown(card))["merge_state"]["state"] == "checking"
    second = await checked.claim()
    assert moved in await refs.parents(scene.ctx.git, repo, second.base_sha)
    await checked.end(second)
    assert (await scene.shown(card))["status"] == "done"


async def test_a_base_that_moves_between_the_checks_and_the_merge_is_not_merged_onto(
    scene: Scene, checked: Checked, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = await checked.repo()
    card, head = await checked.passed(repo)
    real, pushed = merging._effect, []

    async def push_first(*args: Any) -> None:
        if not pushed:
            tip = await scene.tip(repo, "main")
            pushed.append(scene.commit(repo, {"else.txt": "1"}, [tip or ""]))
            await scene.set_ref(repo, "refs/heads/main", pushed[0])
        await real(*args)

    monkeypatch.setattr(merging, "_effect", push_first)
    shown = await approve(scene, card, head)
    assert shown["status"] == "in_review"
    assert await scene.tip(repo, "main") == pushed[0]
    await checked.end(await checked.claim())
    assert (await scene.shown(card))["status"] == "done"


async def test_a_push_to_an_approved_card_voids_its_approval(
    scene: Scene, checked: Checked
) -> None:
    repo = await checked.repo()
    card, head = await checked.in_review(repo)
    await approve(scene, card, head)
    first = await checked.claim()
    branch = (await scene.card_row(card)).branch_name or ""
    newer = await scene.push(repo, branch, {"more.txt": "1"})
    await checked.end(first)  # too late to be stopped: it says that all is well
    shown = await scene.shown(card)
    assert (shown["status"], shown["merge_state"]["reason"]) == ("in_review", "branch_moved")
    with pytest.raises(BranchMoved):
        await approve_card(scene.ctx, card, head, PERSON)
    await checked.end(await checked.claim())
    assert not await has(scene, repo, newer)
    assert (await approve(scene, card, newer))["status"] == "done"


async def test_waiting_for_checks_leaves_no_commits_behind(
    scene: Scene, checked: Checked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever moves in the repository, the queue is looked at again."""
    repo = await checked.repo()
    card, head = await checked.in_review(repo)
    await approve(scene, card, head)
    made: list[str] = []
    real = merge_queue.make_commit

    async def make(*args: Any) -> str:
        made.append(await real(*args))
        return made[-1]

    monkeypatch.setattr(merge_queue, "make_commit", make)
    version = (await scene.card_row(card)).version
    for _ in range(3):
        await scene.look(repo)
    assert made == []
    assert (await scene.card_row(card)).version == version
    await checked.end(await checked.claim())
    assert (await scene.shown(card))["status"] == "done"
    assert len(made) == 1


async def test_an_approval_can_be_withdrawn_and_ends_with_the_review(
    scene: Scene, checked: Checked
) -> None:
    repo = await checked.repo()
    card, head = await checked.in_review(repo)
    await approve(scene, card, head)
    with pytest.raises(Conflict, match="already"):
        await approve_card(scene.ctx, card, head, PERSON)
    assert (await withdraw_merge(scene.ctx, card, PERSON))["merge_state"] is None
    with pytest.raises(Conflict) as refused:
        await withdraw_merge(scene.ctx, card, PERSON)
    assert refused.value.code == "not_queued"
    job = await checked.claim()
    await checked.end(job)
    assert (await scene.shown(card))["status"] == "in_review"

    await scene.push(repo, "main", {"else.txt": "1"})
    await approve(scene, card, head)
    await scene.start(card, CardCommand.REQUEST_CHANGES, RunRequest(message="More."))
    await checked.settled()
    assert (await scene.shown(card))["merge_state"] is None
    assert await scene.db.read(queued_merges_of, repo) == []


async def test_who_leaves_review_lets_the_next_go_on(scene: Scene, checked: Checked) -> None:
    repo = await checked.repo([])
    (first, first_head), (second, second_head) = [await scene.in_review(repo) for _ in range(2)]
    await checked.settings(repo, checks=[TESTS])
    await approve(scene, first, first_head)
    await approve(scene, second, second_head)
    await reject_card(scene.ctx, first, PERSON)
    await checked.settled()
    await checked.end(await checked.claim())
    assert (await scene.shown(second))["status"] == "done"


async def test_a_conflict_is_said_when_it_is_approved(scene: Scene, checked: Checked) -> None:
    repo = await checked.repo()
    card, head = await checked.passed(repo, {"readme.md": "theirs\n"})
    await scene.push(repo, "main", {"readme.md": "ours\n"})
    with pytest.raises(MergeConflict) as refused:
        await approve_card(scene.ctx, card, head, PERSON)
    assert refused.value.extra == {"files": ["readme.md"]}
    assert (await scene.shown(card))["merge_state"] is None


async def test_checks_that_somebody_stopped_are_run_for_the_approval(
    scene: Scene, checked: Checked
) -> None:
    repo = await checked.repo()
    card, head = await checked.in_review(repo)
    [run] = await checked.runs(card)
    await cancel_job(scene.ctx, run.job_id, PERSON)
    await checked.settled()
    assert (await approve(scene, card, head))["merge_state"]["state"] == "checking"
    job = await checked.claim()
    await cancel_job(scene.ctx, job.job_id, PERSON)
    await scene.finish(job, StopReason.CANCELLED)
    await checked.settled()
    shown = await scene.shown(card)
    assert (shown["merge_state"]["state"], shown["status"]) == ("bounced", "in_review")


async def test_what_failed_is_not_merged_until_it_passes(scene: Scene, checked: Checked) -> None:
    repo = await checked.repo()
    card, head = await checked.in_review(repo)
    await checked.end(await checked.claim(), "tests")
    shown = await approve(scene, card, head)
    assert (shown["status"], shown["merge_state"]["reason"]) == ("in_review", "checks_failed")
    await run_checks(scene.ctx, card, PERSON)
    await checked.end(await checked.claim())
    assert (await scene.shown(card))["status"] == "in_review"  # nobody has approved it since
    assert (await approve(scene, card, head))["status"] == "done"


async def test_without_checks_any_more_the_queue_merges(scene: Scene, checked: Checked) -> None:
    repo = await checked.repo()
    card, head = await checked.in_review(repo)
    await approve(scene, card, head)
    await checked.settings(repo, checks=None)
    assert (await scene.shown(card))["status"] == "done"


async def test_a_dead_server_goes_on_where_it_was(scene: Scene, checked: Checked) -> None:
    repo = await checked.repo()
    card, head = await checked.in_review(repo)
    await approve(scene, card, head)
    job = await checked.claim()
    scene.db.on_commit.clear()  # what follows of the finish is lost with the server
    await checked.end(job)
    assert (await scene.shown(card))["status"] == "in_review"
    await recover(scene.ctx)
    await look_at(scene.ctx, repo)
    assert (await scene.shown(card))["status"] == "done"
    assert await has(scene, repo, head)
