"""Work that a runner left whose lease was lost: listed beside its card, used or put aside (R7, R8)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pygit2
import pytest

from factories.scene import Scene
from lazyaf.domain.cards import CardCommand
from lazyaf.domain.errors import BranchMoved, Conflict, IllegalTransition, NotFound
from lazyaf.domain.events import PERSON
from lazyaf.git import command
from lazyaf.protocol.messages import Job
from lazyaf.runner.walker.history import message_of
from lazyaf.runner.walker.tree import Tree
from lazyaf.services import move_head
from lazyaf.services import recovered_work as recovering
from lazyaf.services.approve_card import approve_card
from lazyaf.services.decide_card import reject_card
from lazyaf.services.reap import reap
from lazyaf.services.recover import recover
from lazyaf.services.recovered_work import (
    CHECKPOINT,
    discard_recovered,
    kept_ref,
    list_recovered,
    orphan_ref,
    use_recovered,
    work_recovered,
)
from lazyaf.services.start_card import RunRequest


async def lost(scene: Scene, repo: str) -> tuple[str, Job, Job]:
    """A card whose first attempt was lost, and which a second one works on."""
    card, first = await scene.working(repo)
    await scene.log(first, 1, "I begin")
    scene.clock.advance(61)
    await reap(scene.ctx)
    return card, first, await scene.claimed(await scene.runner())


async def left(scene: Scene, job: Job, files: dict[str, str], onto: str | None = None) -> str:
    """What the runner of a lost attempt pushes afterwards."""
    sha = scene.commit(job.repo.id, files, [onto or job.base_sha], "Work of a lost runner")
    await scene.set_ref(job.repo.id, orphan_ref(job.job_id, job.attempt), sha)
    return sha


async def reviewed(scene: Scene, repo: str) -> tuple[str, str, str]:
    """A card in review by its second attempt, while the first one left something else: card, head,
    orphan."""
    card, first, second = await lost(scene, repo)
    head = await scene.work(second, {"second.txt": "2\n"})
    await scene.finish(second, head_sha=head)
    return card, head, await left(scene, first, {"first.txt": "1\n", "more.txt": "1\n2\n"})


async def test_what_a_lost_runner_left_is_listed_with_its_size(scene: Scene) -> None:
    repo = await scene.repo()
    card, first, second = await lost(scene, repo)
    assert await list_recovered(scene.ctx, card) == []
    one = scene.commit(repo, {"a.txt": "1\n"}, [first.base_sha], "One")
    two = await left(scene, first, {"b.txt": "1\n2\n"}, onto=one)
    (item,) = await list_recovered(scene.ctx, card)
    assert item == {
        "sha": two,
        "job_id": first.job_id,
        "attempt": 1,
        "subject": "Work of a lost runner",
        "committed_at": "2023-11-14T22:13:20Z",
        "commits": 2,
        "additions": 3,
        "deletions": 0,
        "files": 2,
        "is_unfinished": False,
    }
    # What the branch got in another way is not lost any more.
    await scene.set_ref(repo, f"{second.push_prefix}head", two)
    await scene.finish(second, head_sha=two)
    assert await list_recovered(scene.ctx, card) == []


async def test_another_cards_work_is_not_shown(scene: Scene) -> None:
    repo = await scene.repo()
    _, first, _ = await lost(scene, repo)
    sha = await left(scene, first, {"a.txt": "1\n"})
    other = await scene.card(repo, "Another")
    assert await list_recovered(scene.ctx, other) == []
    for do in (use_recovered, discard_recovered):
        with pytest.raises(NotFound):
            await do(scene.ctx, other, sha, PERSON)


async def test_using_it_moves_the_branch_and_archives_what_was_there(scene: Scene) -> None:
    repo = await scene.repo()
    card, head, sha = await reviewed(scene, repo)
    shown = await use_recovered(scene.ctx, card, sha, PERSON)
    assert shown["status"] == "in_review"
    assert await scene.tip(repo, shown["branch_name"]) == sha
    assert await scene.ref(repo, "refs/lazyaf/archive/1/1") == head
    row = await scene.card_row(card)
    assert (row.head_sha, row.files, row.additions, row.mergeable) == (sha, 2, 3, True)
    assert await list_recovered(scene.ctx, card) == []
    assert (await scene.event_types())[-2:] == ["branch.pushed", "card.updated"]
    # The archive goes on from there, and what was approved is what was recovered.
    await reject_card(scene.ctx, card, PERSON)
    assert await scene.ref(repo, "refs/lazyaf/archive/1/2") == sha
    assert await scene.ref(repo, "refs/lazyaf/archive/1/1") == head
    with pytest.raises(NotFound):
        await use_recovered(scene.ctx, card, sha, PERSON)


async def test_work_that_goes_on_from_the_branch_needs_no_archive(scene: Scene) -> None:
    repo = await scene.repo()
    card, first, second = await lost(scene, repo)
    head = await scene.work(second, {"second.txt": "2\n"})
    await scene.finish(second, head_sha=head)
    sha = await left(scene, first, {"first.txt": "1\n"}, onto=head)
    await use_recovered(scene.ctx, card, sha, PERSON)
    assert await scene.ref(repo, "refs/lazyaf/archive/1/1") is None
    await approve_card(scene.ctx, card, sha, PERSON)


async def test_a_failed_card_without_a_branch_gets_one_and_goes_on_from_it(scene: Scene) -> None:
    repo = await scene.repo()
    card, first, second = await lost(scene, repo)
    await scene.log(second, 1, "I begin anew")
    scene.clock.advance(61)
    await reap(scene.ctx)
    assert (await scene.card_row(card)).status == "failed"
    sha = await left(scene, first, {"first.txt": "1\n"})
    shown = await use_recovered(scene.ctx, card, sha, PERSON)
    assert shown["status"] == "failed"
    await scene.start(card, CardCommand.RETRY)
    assert (await scene.claimed(await scene.runner())).branch_sha == sha


async def test_while_a_job_is_open_it_can_only_be_looked_at(scene: Scene) -> None:
    repo = await scene.repo()
    card, first, second = await lost(scene, repo)
    sha = await left(scene, first, {"a.txt": "1\n"})
    with pytest.raises(IllegalTransition, match="open job"):
        await use_recovered(scene.ctx, card, sha, PERSON)
    head = await scene.work(second, {"b.txt": "1\n"})
    await scene.finish(second, head_sha=head)
    await approve_card(scene.ctx, card, head, PERSON)
    with pytest.raises(IllegalTransition, match="reopen"):
        await use_recovered(scene.ctx, card, sha, PERSON)
    assert await scene.tip(repo, "main") != sha


async def test_a_snapshot_becomes_a_commit_of_its_own_and_is_kept(scene: Scene) -> None:
    """R10: never a checkpoint on a branch."""
    repo = await scene.repo()
    card, first, second = await lost(scene, repo)
    await scene.finish(second, head_sha=await scene.work(second, {"b.txt": "1\n"}))
    agents = scene.commit(repo, {"a.txt": "1\n"}, [first.base_sha], "The agent's")
    stash = scene.commit(repo, {"stashed.txt": "1\n"}, [first.base_sha], "Stashed")
    saved = scene.commit(repo, {"half.txt": "1\n"}, [agents, stash], f"{CHECKPOINT}\n\nHEAD: x\n")
    await scene.set_ref(repo, orphan_ref(first.job_id, 1), saved)
    (item,) = await list_recovered(scene.ctx, card)
    assert item["is_unfinished"]
    shown = await use_recovered(scene.ctx, card, saved, PERSON)
    tip = await scene.tip(repo, shown["branch_name"])
    assert tip is not None
    commit = pygit2.Repository(str(scene.ctx.git.path(repo)))[tip].peel(pygit2.Commit)
    assert [str(parent) for parent in commit.parent_ids] == [agents]
    assert {entry.name for entry in commit.tree} >= {"a.txt", "half.txt"}
    assert commit.message.startswith("Keep what was unfinished of card #1")
    assert await scene.ref(repo, kept_ref(1, saved)) == saved  # with the stash below it
    assert await scene.ref(repo, orphan_ref(first.job_id, 1)) is None


async def test_a_snapshot_without_a_history_goes_on_the_branch(scene: Scene) -> None:
    repo = await scene.repo()
    card, first, second = await lost(scene, repo)
    head = await scene.work(second, {"b.txt": "1\n"})
    await scene.finish(second, head_sha=head)
    saved = scene.commit(repo, {"only.txt": "1\n"}, [], f"{CHECKPOINT}\n\nHEAD: detached None\n")
    await scene.set_ref(repo, orphan_ref(first.job_id, 1), saved)
    shown = await use_recovered(scene.ctx, card, saved, PERSON)
    tip = await scene.tip(repo, shown["branch_name"])
    commit = pygit2.Repository(str(scene.ctx.git.path(repo)))[tip or ""].peel(pygit2.Commit)
    assert [str(parent) for parent in commit.parent_ids] == [head]
    assert [entry.name for entry in commit.tree] == ["only.txt"]


async def test_the_walker_says_what_is_looked_for(tmp_path: Any) -> None:
    await command.run(["init", "-q", str(tmp_path)])
    assert message_of(Tree(str(tmp_path)), None).startswith(f"{CHECKPOINT}\n\n".encode())


async def test_discarding_keeps_it_in_the_archive(scene: Scene) -> None:
    repo = await scene.repo()
    card, head, sha = await reviewed(scene, repo)
    version = (await scene.card_row(card)).version
    await discard_recovered(scene.ctx, card, sha, PERSON)
    assert await list_recovered(scene.ctx, card) == []
    assert await scene.ref(repo, kept_ref(1, sha)) == sha
    assert (await scene.card_row(card)).version == version
    assert await scene.tip(repo, (await scene.card_row(card)).branch_name or "") == head
    with pytest.raises(NotFound):
        await discard_recovered(scene.ctx, card, sha, PERSON)


async def test_the_same_work_left_twice_is_one(scene: Scene) -> None:
    repo = await scene.repo()
    card, first, second = await lost(scene, repo)
    await scene.log(second, 1, "I begin anew")
    scene.clock.advance(61)
    await reap(scene.ctx)
    sha = await left(scene, first, {"a.txt": "1\n"})
    await scene.set_ref(repo, orphan_ref(second.job_id, 2), sha)
    assert [item["attempt"] for item in await list_recovered(scene.ctx, card)] == [2]
    await discard_recovered(scene.ctx, card, sha, PERSON)
    assert await list_recovered(scene.ctx, card) == []


async def test_those_who_look_at_the_card_are_told(scene: Scene) -> None:
    repo = await scene.repo()
    card, first, _ = await lost(scene, repo)
    await left(scene, first, {"a.txt": "1\n"})
    await work_recovered(scene.ctx, first.job_id)
    assert (await scene.event_types())[-1] == "card.updated"
    assert card in await scene.told_cards()


async def test_of_two_at_once_one_wins(scene: Scene) -> None:
    repo = await scene.repo()
    card, _, sha = await reviewed(scene, repo)
    ended = await asyncio.gather(
        *(use_recovered(scene.ctx, card, sha, PERSON) for _ in range(3)), return_exceptions=True
    )
    assert sorted(type(end).__name__ for end in ended) == ["NotFound", "NotFound", "dict"]


async def test_a_push_that_comes_between_is_not_overwritten(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = await scene.repo()
    card, _, sha = await reviewed(scene, repo)
    branch = (await scene.card_row(card)).branch_name or ""
    real = recovering._plan
    pushed: list[str] = []

    async def plan(*args: Any) -> Any:
        planned = await real(*args)
        pushed.append(await scene.push(repo, branch, {"by-hand.txt": "1\n"}))
        return planned

    monkeypatch.setattr(recovering, "_plan", plan)
    with pytest.raises(BranchMoved):
        await use_recovered(scene.ctx, card, sha, PERSON)
    assert await scene.tip(repo, branch) == pushed[0]
    assert await scene.ref(repo, "refs/lazyaf/archive/1/1") is None
    monkeypatch.undo()
    await use_recovered(scene.ctx, card, sha, PERSON)  # no intent was left
    assert await scene.ref(repo, "refs/lazyaf/archive/1/1") == pushed[0]


async def test_a_job_that_begins_between_has_the_branch(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = await scene.repo()
    card, head, sha = await reviewed(scene, repo)
    real = recovering._plan

    async def plan(*args: Any) -> Any:
        planned = await real(*args)
        await scene.start(card, CardCommand.REQUEST_CHANGES, RunRequest(message="More"))
        return planned

    monkeypatch.setattr(recovering, "_plan", plan)
    with pytest.raises(IllegalTransition, match="open job"):
        await use_recovered(scene.ctx, card, sha, PERSON)
    assert await scene.tip(repo, (await scene.card_row(card)).branch_name or "") == head


class Crash(BaseException):
    """The end of the process, as far as a task can be told."""


@pytest.mark.parametrize("before", ["refs.update", "_confirm"])
async def test_after_a_crash_it_is_done_or_as_if_never_begun(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, before: str
) -> None:
    repo = await scene.repo()
    card, head, sha = await reviewed(scene, repo)
    branch = (await scene.card_row(card)).branch_name or ""

    async def crash(*_: Any) -> None:
        raise Crash

    place: Any = move_head.refs if before == "refs.update" else move_head
    monkeypatch.setattr(place, before.rpartition(".")[2], crash)
    with pytest.raises(Crash):
        await use_recovered(scene.ctx, card, sha, PERSON)
    monkeypatch.undo()
    tries: list[Callable[[], Awaitable[Any]]] = [
        lambda: scene.start(card, CardCommand.REQUEST_CHANGES, RunRequest(message="x")),
        lambda: reject_card(scene.ctx, card, PERSON),
        lambda: use_recovered(scene.ctx, card, sha, PERSON),
    ]
    for attempt in tries:
        with pytest.raises(Conflict) as refused:
            await attempt()
        assert refused.value.code == "busy"
    await recover(scene.ctx)
    moved = before == "_confirm"
    assert await scene.tip(repo, branch) == (sha if moved else head)
    assert (await scene.card_row(card)).head_sha == (sha if moved else head)
    assert await scene.ref(repo, "refs/lazyaf/archive/1/1") == (head if moved else None)
    assert len(await list_recovered(scene.ctx, card)) == (0 if moved else 1)
    await reject_card(scene.ctx, card, PERSON)  # nothing is in the way any more
