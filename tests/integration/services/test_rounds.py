"""Each round's own changes, on both databases and real git, also where the base came in between."""

from __future__ import annotations

from typing import Any

import pytest

from factories.scene import Scene
from lazyaf.domain.cards import CardCommand, UpdateMethod
from lazyaf.domain.errors import NotFound
from lazyaf.domain.events import PERSON
from lazyaf.domain.jobs import StopReason
from lazyaf.protocol.messages import CheckpointRequest, Job
from lazyaf.services.approve_card import approve_card
from lazyaf.services.decide_card import reject_card
from lazyaf.services.inspect_repo import card_diff, interdiff_view
from lazyaf.services.record_checkpoint import record_checkpoint
from lazyaf.services.rounds import list_rounds, round_diff
from lazyaf.services.start_card import RunRequest
from lazyaf.services.update_branch import update_branch


async def again(scene: Scene, card: str, **request: Any) -> Job:
    """Another round of a card in review, claimed."""
    asked = RunRequest(message="Again.", **request)
    await scene.start(card, CardCommand.REQUEST_CHANGES, asked)
    return await scene.claimed(await scene.runner())


async def done(scene: Scene, job: Job, files: dict[str, str], *parents: str) -> str:
    head = await scene.work(job, files, parents)
    await scene.finish(job, head_sha=head)
    return head


async def diff_of(scene: Scene, card: str, number: int) -> dict[str, Any]:
    return await interdiff_view(*await round_diff(scene.ctx, card, number))


def paths(view: dict[str, Any]) -> list[tuple[str, int, int]]:
    return [(f["path"], f["additions"], f["deletions"]) for f in view["files"]]


async def test_each_round_shows_what_it_alone_has_changed(scene: Scene) -> None:
    repo = await scene.repo()
    card, first = await scene.in_review(repo, {"a.txt": "1\n2\n"})
    second = await done(scene, await again(scene, card), {"a.txt": "1\ntwo\n"})
    third = await done(scene, await again(scene, card), {"b.txt": "b\n"})
    rounds = await list_rounds(scene.ctx, card)
    assert [(r["number"], r["before_sha"], r["after_sha"], r["base_moved"]) for r in rounds] == [
        (1, None, first, False), (2, first, second, False), (3, second, third, False)]  # fmt: skip
    assert [(r["status"], r["message"]) for r in rounds] == [
        ("completed", ""), ("completed", "Again."), ("completed", "Again.")]  # fmt: skip
    shown = [paths(await diff_of(scene, card, number)) for number in (1, 2, 3)]
    assert shown == [[("a.txt", 2, 0)], [("a.txt", 1, 1)], [("b.txt", 1, 0)]]
    # It stays so when all of it was merged.
    await approve_card(scene.ctx, card, third, PERSON)
    assert [paths(await diff_of(scene, card, number)) for number in (1, 2, 3)] == shown
    for number in (0, 4):
        with pytest.raises(NotFound):
            await round_diff(scene.ctx, card, number)


@pytest.mark.parametrize("how", ["merged", "rebased"])
async def test_what_the_base_brought_belongs_to_no_round(scene: Scene, how: str) -> None:
    repo = await scene.repo()
    card, first = await scene.in_review(repo, {"a.txt": "1\n2\n"})
    base = await scene.push(repo, "main", {"readme.md": "theirs\n", "theirs.txt": "x\n"})
    job = await again(scene, card)
    if how == "merged":
        moved = scene.commit(repo, {"readme.md": "theirs\n", "theirs.txt": "x\n"}, [first, base])
    else:
        moved = scene.commit(repo, {"a.txt": "1\n2\n"}, [base])
    second = await done(scene, job, {"a.txt": "1\ntwo\n"}, moved)
    assert (await list_rounds(scene.ctx, card))[1]["base_moved"]
    view = await diff_of(scene, card, 2)
    assert paths(view) == [("a.txt", 1, 1)]
    assert (view["carried"], view["base_sha"], view["head_sha"]) == ("merged", first, second)
    # And what came since the last review is the same thing.
    assert await card_diff(scene.ctx, card, since=first) == view


async def test_an_update_of_the_branch_in_between_belongs_to_no_round(scene: Scene) -> None:
    repo = await scene.repo()
    card, first = await scene.in_review(repo, {"a.txt": "1\n2\n"})
    await scene.push(repo, "main", {"theirs.txt": "x\n"})
    updated = await update_branch(scene.ctx, card, UpdateMethod.REBASE, PERSON)
    second = await done(scene, await again(scene, card), {"a.txt": "1\ntwo\n"})
    rounds = await list_rounds(scene.ctx, card)
    assert rounds[1]["before_sha"] == updated["head_sha"]
    assert not rounds[1]["base_moved"]
    assert paths(await diff_of(scene, card, 2)) == [("a.txt", 1, 1)]
    view = await card_diff(scene.ctx, card, since=first)
    assert paths(view) == [("a.txt", 1, 1)]
    assert (view["head_sha"], view["carried"]) == (second, "merged")


async def test_a_fresh_start_shows_all_that_it_made(scene: Scene) -> None:
    repo = await scene.repo()
    card, first = await scene.in_review(repo, {"a.txt": "1\n"})
    await reject_card(scene.ctx, card, PERSON)
    await scene.start(card, request=RunRequest(fresh=True))
    job = await scene.claimed(await scene.runner())
    # The branch has the old work until this round is over, which is none of it.
    assert paths(await diff_of(scene, card, 1)) == [("a.txt", 1, 0)]
    head = await scene.work(job, {"b.txt": "b\n"}, [job.base_sha])
    assert paths(await diff_of(scene, card, 2)) == []
    await record_checkpoint(scene.ctx, job.job_id, job.lease, CheckpointRequest(head_sha=head))
    assert paths(await diff_of(scene, card, 2)) == [("b.txt", 1, 0)]
    await scene.finish(job, head_sha=head)
    assert paths(await diff_of(scene, card, 2)) == [("b.txt", 1, 0)]
    assert (await list_rounds(scene.ctx, card))[1]["before_sha"] is None
    assert (await list_rounds(scene.ctx, card))[0]["after_sha"] == first


async def test_rounds_that_left_nothing_show_nothing(scene: Scene) -> None:
    repo = await scene.repo()
    card, first = await scene.in_review(repo, {"a.txt": "1\n"})
    job = await again(scene, card)
    await scene.finish(job, StopReason.SETUP_FAILED)
    await scene.start(card, CardCommand.RETRY, RunRequest(fresh=True))
    fresh = await scene.claimed(await scene.runner())
    await scene.finish(fresh, StopReason.SETUP_FAILED)
    await scene.start(card, CardCommand.RETRY)
    assert [paths(await diff_of(scene, card, n)) for n in (2, 3, 4)] == [[], [], []]
    rounds = await list_rounds(scene.ctx, card)
    assert [r["after_sha"] for r in rounds] == [first, first, first, None]
    lone = await scene.card(repo)
    await scene.start(lone)
    assert paths(await diff_of(scene, lone, 1)) == []


async def test_a_round_at_work_shows_what_it_has_done_so_far(scene: Scene) -> None:
    repo = await scene.repo()
    card, _ = await scene.in_review(repo, {"a.txt": "1\n"})
    job = await again(scene, card)
    assert paths(await diff_of(scene, card, 2)) == []
    head = await scene.work(job, {"b.txt": "b\n"})
    await record_checkpoint(scene.ctx, job.job_id, job.lease, CheckpointRequest(head_sha=head))
    assert paths(await diff_of(scene, card, 2)) == [("b.txt", 1, 0)]
