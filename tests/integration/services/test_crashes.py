"""Crashes between an intent and its confirmation, and what the next start makes of them (R8)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from factories.crashes import CRASHED_MERGES, Crash, Stumble, crash, crash_after, stumble
from factories.scene import Scene
from lazyaf.domain.cards import CardCommand
from lazyaf.domain.errors import Conflict, NotFound
from lazyaf.domain.events import PERSON
from lazyaf.domain.runners import RunnerEnd
from lazyaf.services import carry_out_merge as approving
from lazyaf.services import finish_job as finishing
from lazyaf.services import reap as reaping
from lazyaf.services.approve_card import approve_card
from lazyaf.services.cards import delete_card
from lazyaf.services.decide_card import reject_card
from lazyaf.services.reap import lose_runner, reap
from lazyaf.services.recover import recover
from lazyaf.services.start_card import RunRequest
from lazyaf.store.intents import find_intent


async def test_while_a_merge_is_under_way_other_commands_are_told_to_wait(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = await scene.repo()
    card, head = await scene.in_review(repo)
    monkeypatch.setattr(approving, "_effect", crash)
    with pytest.raises(Crash):
        await approve_card(scene.ctx, card, head, PERSON)
    monkeypatch.undo()
    request = RunRequest(message="More")
    tries: list[Callable[[], Awaitable[Any]]] = [
        lambda: approve_card(scene.ctx, card, head, PERSON),
        lambda: reject_card(scene.ctx, card, PERSON),
        lambda: scene.start(card, CardCommand.REQUEST_CHANGES, request),
        lambda: scene.db.write(delete_card, card, PERSON),
    ]
    for attempt in tries:
        with pytest.raises(Conflict) as refused:
            await attempt()
        assert refused.value.code == "busy"


@pytest.mark.parametrize("when", list(CRASHED_MERGES))
async def test_a_crash_of_an_approval_is_done_or_undone_at_the_next_start(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    name, effect, is_merged = CRASHED_MERGES[when]
    repo = await scene.repo()
    card, head = await scene.in_review(repo)
    base = await scene.tip(repo, "main")
    monkeypatch.setattr(approving, name, effect)
    with pytest.raises((Crash, Stumble)):
        await approve_card(scene.ctx, card, head, PERSON)
    monkeypatch.undo()
    await recover(scene.ctx)
    await recover(scene.ctx)  # once more changes nothing
    row = await scene.card_row(card)
    assert await scene.db.read(find_intent, card) is None
    if is_merged:
        assert (row.status, row.merged_sha) == ("done", await scene.tip(repo, "main"))
        assert row.merged_sha != base
    else:
        assert (row.status, await scene.tip(repo, "main")) == ("in_review", base)
        await approve_card(scene.ctx, card, head, PERSON)


@pytest.mark.parametrize("fresh", [False, True])
@pytest.mark.parametrize("when", ["before", "after", "before counting", "before closing"])
async def test_a_crash_of_a_finish_is_finished_at_the_next_start(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, when: str, fresh: bool
) -> None:
    repo = await scene.repo()
    card, old = await scene.in_review(repo)
    request = RunRequest(message="Again", fresh=fresh)
    await scene.start(card, CardCommand.REQUEST_CHANGES, request)
    job = await scene.claimed(await scene.runner())
    head = await scene.work(job, {"next.txt": "1"}, [job.base_sha] if fresh else [])
    target, effect = {
        "before": ("move_branch", crash),
        "after": ("move_branch", crash_after(finishing.move_branch)),
        "before counting": ("_count_archive", stumble),
        "before closing": ("_close", stumble),
    }[when]
    if when == "before counting" and not fresh:
        target, effect = "_confirm", crash
    monkeypatch.setattr(finishing, target, effect)
    with pytest.raises((Crash, Stumble)):
        await scene.finish(job, head_sha=head)
    monkeypatch.undo()
    await recover(scene.ctx)
    row = await scene.card_row(card)
    assert (row.status, row.head_sha, await scene.tip(repo, job.branch)) == (
        "in_review",
        head,
        head,
    )
    assert await scene.finish(job, head_sha=head) == "completed"
    assert await scene.db.read(find_intent, card) is None
    if fresh:
        assert await scene.ref(repo, "refs/lazyaf/archive/1/1") == old
        await reject_card(scene.ctx, card, PERSON)  # and the next one is kept beside it
        assert await scene.ref(repo, "refs/lazyaf/archive/1/1") == old
        assert await scene.ref(repo, "refs/lazyaf/archive/1/2") == head


async def test_a_crash_of_a_deletion_is_ended_at_the_next_start(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lazyaf.services import repositories

    repo, other = await scene.repo("gone"), await scene.repo("stays")
    card = await scene.card(repo)
    monkeypatch.setattr(repositories, "_finish_deletion", crash)
    with pytest.raises(Crash):
        await repositories.delete_repo(scene.ctx, repo, PERSON)
    monkeypatch.undo()
    with pytest.raises(NotFound):
        await scene.start(card)
    await recover(scene.ctx)
    assert not scene.ctx.git.exists(repo)
    with pytest.raises(NotFound):
        await scene.card_row(card)
    assert (await scene.repo_row(other)).name == "stays"
    assert await scene.empty_repo("gone")


@pytest.mark.parametrize("again", [recover, reap])
async def test_a_job_whose_giving_back_was_cut_off_is_given_back(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, again: Callable[..., Awaitable[Any]]
) -> None:
    """Its attempt is fenced, so no lease would ever run out: it must not run for ever."""
    repo = await scene.repo()
    await scene.start(await scene.card(repo))
    job = await scene.claimed(await scene.runner("one"))
    monkeypatch.setattr(reaping, "_measure", crash)
    with pytest.raises(Crash):
        await lose_runner(scene.ctx, "one", RunnerEnd.DIED)
    monkeypatch.undo()
    row = await scene.job_row(job.job_id)
    assert (row.status, row.attempt) == ("running", 1)
    await again(scene.ctx)
    row = await scene.job_row(job.job_id)
    assert (row.status, row.spent) == ("queued", 0)
    assert (await scene.claimed(await scene.runner("two"))).attempt == 2


async def test_what_goes_wrong_with_one_job_does_not_keep_the_others(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = await scene.repo()
    lost = [(await scene.working(repo))[1] for _ in range(2)]
    real = reaping._measure

    async def failing(ctx: Any, job_id: str) -> Any:
        if job_id == lost[0].job_id:
            raise OSError("the repository cannot be read")
        return await real(ctx, job_id)

    monkeypatch.setattr(reaping, "_measure", failing)
    scene.clock.advance(11)
    await reap(scene.ctx)
    statuses = [(await scene.job_row(job.job_id)).status for job in lost]
    assert statuses == ["running", "queued"]
    monkeypatch.undo()
    await reap(scene.ctx)
    assert (await scene.job_row(lost[0].job_id)).status == "queued"
