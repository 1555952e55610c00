"""What happens to a batch under way: whatever moves or leaves makes it void, and a crash leaves no half of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from factories.checked import LINT, Checked
from factories.crashes import CRASHED_MERGES, Crash, Stumble
from factories.scene import Scene
from lazyaf.domain.cards import CardCommand
from lazyaf.domain.errors import Conflict
from lazyaf.domain.events import PERSON
from lazyaf.domain.jobs import StopReason
from lazyaf.git import refs
from lazyaf.protocol.messages import Job
from lazyaf.services import carry_out_merge as merging
from lazyaf.services import merge_batch, merge_queue
from lazyaf.services.approve_card import approve_card
from lazyaf.services.cancel_job import cancel_job
from lazyaf.services.cards import delete_card
from lazyaf.services.decide_card import reject_card
from lazyaf.services.merge_queue import advance_merges
from lazyaf.services.queue_merge import withdraw_merge
from lazyaf.services.radar import look_at
from lazyaf.services.recover import recover
from lazyaf.services.start_card import RunRequest
from lazyaf.store.intents import list_intents

Card = tuple[str, str]


class Trial:
    """Three cards that one run tries together, claimed by a runner."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.checked = Checked(scene)

    async def begin(self) -> None:
        self.repo = await self.checked.repo()
        names = ("one", "two", "three")
        self.cards: list[Card] = [
            await self.checked.passed(self.repo, {f"{name}.txt": "1\n"}) for name in names
        ]
        self.base = await self.scene.push(self.repo, "main", {"moved-on.txt": "1\n"})
        await self.checked.settled()
        await self.checked.approve_at_once(self.repo, self.cards)
        self.job: Job = await self.checked.claim()
        assert await self.checked.tried(self.job) == [1, 2, 3]

    async def statuses(self) -> list[str]:
        return [(await self.scene.shown(card))["status"] for card, _ in self.cards]

    async def approve(self, card: Card) -> asyncio.Task[Any]:
        """It is in the queue; what follows of that goes on."""
        before = len(await self.checked.queue(self.repo))
        approving = asyncio.create_task(approve_card(self.scene.ctx, *card, PERSON))
        while len(await self.checked.queue(self.repo)) == before:
            assert not approving.done(), approving
        return approving

    async def passes(self) -> None:
        await self.checked.end(self.job)


@pytest.fixture
def trial(scene: Scene) -> Trial:
    return Trial(scene)


async def withdraw(trial: Trial, card: str) -> None:
    await withdraw_merge(trial.scene.ctx, card, PERSON)


async def reject(trial: Trial, card: str) -> None:
    await reject_card(trial.scene.ctx, card, PERSON)


async def send_back(trial: Trial, card: str) -> None:
    await trial.scene.start(card, CardCommand.REQUEST_CHANGES, RunRequest(message="More."))


async def delete(trial: Trial, card: str) -> None:
    await trial.scene.db.write(delete_card, card, PERSON)


async def push_to_it(trial: Trial, card: str) -> None:
    branch = (await trial.scene.card_row(card)).branch_name or ""
    await trial.scene.push(trial.repo, branch, {"more.txt": "1\n"})


Leaving = Callable[[Trial, str], Awaitable[None]]


@pytest.mark.parametrize("leave", [withdraw, reject, send_back, delete, push_to_it])
async def test_without_one_of_its_cards_a_run_counts_no_more(trial: Trial, leave: Leaving) -> None:
    await trial.begin()
    await leave(trial, trial.cards[1][0])
    await trial.checked.settled()
    assert (await trial.scene.job_row(trial.job.job_id)).cancel_requested
    others = [] if leave is push_to_it else [3]
    waiting = (await trial.scene.shown(trial.cards[0][0]))["merge_state"]
    assert (waiting["state"], waiting["job_id"]) == ("checking", None)  # for its end
    assert waiting["together"] == others
    await trial.passes()  # too late to be stopped: it says that all is well
    assert await trial.scene.tip(trial.repo, "main") == trial.base
    again = (await trial.scene.shown(trial.cards[0][0]))["merge_state"]
    assert (again["state"], again["together"]) == ("checking", others)
    assert again["job_id"] not in (None, trial.job.job_id)
    while (job := await trial.scene.claim(await trial.scene.runner())) is not None:
        if job.checks:
            await trial.checked.end(job)
    merged = [(await trial.scene.shown(trial.cards[at][0]))["status"] for at in (0, 2)]
    assert merged == ["done", "done"]
    tip = await trial.scene.tip(trial.repo, "main") or ""
    assert not await refs.is_ancestor(trial.scene.ctx.git, trial.repo, trial.cards[1][1], tip)


async def test_without_the_first_of_its_cards_a_run_counts_no_more(trial: Trial) -> None:
    await trial.begin()
    await withdraw(trial, trial.cards[0][0])
    await trial.checked.settled()
    assert (await trial.scene.job_row(trial.job.job_id)).cancel_requested
    second = await trial.checked.claim()
    assert await trial.checked.tried(second) == [2, 3]
    await trial.passes()
    assert await trial.statuses() == ["in_review"] * 3
    await trial.checked.end(second)
    assert await trial.statuses() == ["in_review", "done", "done"]


async def test_on_another_tip_of_the_base_all_are_tried_again(trial: Trial) -> None:
    await trial.begin()
    moved = await trial.scene.push(trial.repo, "main", {"else.txt": "1\n"})
    await trial.checked.settled()
    assert (await trial.scene.job_row(trial.job.job_id)).cancel_requested
    await trial.passes()
    assert await trial.scene.tip(trial.repo, "main") == moved
    again = await trial.checked.claim()
    assert await trial.checked.tried(again) == [1, 2, 3]
    await trial.checked.end(again)
    assert await trial.statuses() == ["done"] * 3


async def test_by_other_checks_all_are_tried_again(trial: Trial) -> None:
    await trial.begin()
    await trial.checked.settings(trial.repo, checks=[LINT])
    await trial.passes()
    assert await trial.scene.tip(trial.repo, "main") == trial.base
    again = await trial.checked.claim()
    assert ([check.name for check in again.checks], await trial.checked.tried(again)) == (
        ["lint"],
        [1, 2, 3],
    )
    await trial.checked.end(again)
    assert await trial.statuses() == ["done"] * 3


async def test_who_is_approved_meanwhile_waits_behind_them(trial: Trial) -> None:
    await trial.begin()
    late = await trial.checked.in_review(trial.repo, {"late.txt": "1\n"})
    await trial.checked.approve_at_once(trial.repo, [late])
    await trial.passes()
    assert await trial.statuses() == ["done"] * 3
    assert (await trial.scene.shown(late[0]))["status"] == "in_review"


async def test_a_run_that_somebody_stopped_is_followed_by_smaller_ones(trial: Trial) -> None:
    await trial.begin()
    await cancel_job(trial.scene.ctx, trial.job.job_id, PERSON)
    await trial.scene.finish(trial.job, StopReason.CANCELLED)
    await trial.checked.settled()
    assert await trial.checked.judge_all(trial.repo) == [([1], True), ([2, 3], True)]


async def test_waiting_leaves_no_commits_behind(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    await trial.begin()
    made: list[str] = []
    real = merge_batch.make_commit

    async def make(*args: Any) -> str:
        made.append(await real(*args))
        return made[-1]

    monkeypatch.setattr(merge_batch, "make_commit", make)
    monkeypatch.setattr(merge_queue, "make_commit", make)
    versions = [(await trial.scene.card_row(card)).version for card, _ in trial.cards]
    for _ in range(3):
        await trial.scene.look(trial.repo)
    assert made == []
    assert versions == [(await trial.scene.card_row(card)).version for card, _ in trial.cards]
    await trial.passes()
    assert len(made) == 3


@pytest.mark.parametrize("moving", ["main", "card"])
async def test_what_moves_between_the_checks_and_the_merge_keeps_all_of_them(
    trial: Trial, monkeypatch: pytest.MonkeyPatch, moving: str
) -> None:
    await trial.begin()
    scene, real, pushed = trial.scene, merging._effect, list[str]()
    branch = (await scene.card_row(trial.cards[2][0])).branch_name or ""

    async def push_first(*args: Any) -> None:
        if not pushed:
            name = "main" if moving == "main" else branch
            tip = await scene.tip(trial.repo, name) or ""
            pushed.append(scene.commit(trial.repo, {"else.txt": "1"}, [tip]))
            await scene.set_ref(trial.repo, f"refs/heads/{name}", pushed[0])
        await real(*args)

    monkeypatch.setattr(merging, "_effect", push_first)
    await trial.passes()
    assert await trial.statuses() == ["in_review"] * 3
    assert await scene.db.read(list_intents) == []
    at_base = pushed[0] if moving == "main" else trial.base
    assert await scene.tip(trial.repo, "main") == at_base
    left = [1, 2, 3] if moving == "main" else [1, 2]
    assert (left, True) in await trial.checked.judge_all(trial.repo)
    assert (await trial.statuses())[: len(left)] == ["done"] * len(left)


async def test_what_git_cannot_do_with_all_of_them_is_done_one_by_one(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    await trial.begin()
    real = merging._effect

    async def refuse_several(ctx: Any, intents: Any) -> None:
        if len(intents) > 1:
            raise Conflict("“a” is in the way of “a/b”.", code="name_blocked")
        await real(ctx, intents)

    monkeypatch.setattr(merging, "_effect", refuse_several)
    await trial.passes()
    runs = await trial.checked.judge_all(trial.repo)
    assert await trial.statuses() == ["done"] * 3
    assert [tried for tried, _ in runs] == [[1], [2, 3], [2], [3]]


async def test_other_commits_than_those_that_passed_are_not_merged(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made again they come to the same tree, as long as nothing is wrong."""
    await trial.begin()
    real = merge_batch.make_commit

    async def make(storage: Any, review: Any, base_sha: str, head_sha: str) -> str:
        made = await real(storage, review, base_sha, head_sha)
        return trial.scene.commit(trial.repo, {"other.txt": "1\n"}, [made])

    monkeypatch.setattr(merge_batch, "make_commit", make)
    await trial.passes()
    assert await trial.scene.tip(trial.repo, "main") == trial.base
    assert await trial.checked.tried(await trial.checked.claim()) == [1]


@pytest.mark.parametrize("when", list(CRASHED_MERGES))
async def test_a_crash_merges_all_of_them_or_none(
    trial: Trial, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    name, effect, is_merged = CRASHED_MERGES[when]
    await trial.begin()
    scene = trial.scene
    scene.db.on_commit.clear()  # nobody looks any more
    await trial.passes()
    monkeypatch.setattr(merging, name, effect)
    with pytest.raises((Crash, Stumble)):
        await advance_merges(scene.ctx, trial.repo)
    monkeypatch.undo()
    intents = await scene.db.read(list_intents)
    assert [intent.card_id for intent in intents] == [card for card, _ in trial.cards]
    with pytest.raises(Conflict) as refused:
        await reject_card(scene.ctx, trial.cards[1][0], PERSON)
    assert refused.value.code == "busy"
    await recover(scene.ctx)
    await recover(scene.ctx)  # once more changes nothing
    assert await scene.db.read(list_intents) == []
    assert await trial.statuses() == ["done" if is_merged else "in_review"] * 3
    tip = await scene.tip(trial.repo, "main")
    assert (tip == trial.base) is not is_merged
    await look_at(scene.ctx, trial.repo)
    assert await trial.statuses() == ["done"] * 3


async def test_who_withdraws_while_the_queue_looks_is_not_merged(scene: Scene) -> None:
    """The queue has read the approval, and waits for the card, with which somebody is busy."""
    checked = Checked(scene)
    repo = await checked.repo()
    card, head = await checked.in_review(repo)
    await approve_card(scene.ctx, card, head, PERSON)
    job = await checked.claim()
    await checked.settled()
    scene.db.on_commit.clear()
    await checked.end(job)
    base, lock = await scene.tip(repo, "main"), f"card:{card}"
    async with scene.ctx.job_locks.hold(lock):
        withdrawing = asyncio.create_task(withdraw_merge(scene.ctx, card, PERSON))
        looking = asyncio.create_task(advance_merges(scene.ctx, repo))
        await wanted_by(scene, lock, 3)
    await asyncio.gather(withdrawing, looking)
    shown = await scene.shown(card)
    assert (shown["status"], shown["merge_state"]) == ("in_review", None)
    assert await scene.tip(repo, "main") == base


async def test_who_is_approved_while_the_queue_looks_is_not_tried_yet(trial: Trial) -> None:
    """Its lock is not held: anybody may be busy with it."""
    await trial.begin()
    scene, checked = trial.scene, trial.checked
    for card, _ in trial.cards:
        await withdraw(trial, card)
    await scene.finish(trial.job, StopReason.CANCELLED)
    await checked.settled()
    await checked.judge_all(trial.repo)
    await scene.push(trial.repo, "main", {"else.txt": "1\n"})
    locks, lock = scene.ctx.job_locks, f"card:{trial.cards[1][0]}"
    async with AsyncExitStack() as busy:
        async with locks.hold(f"merges:{trial.repo}"):
            approving = [await trial.approve(card) for card in trial.cards[:2]]
            await busy.enter_async_context(locks.hold(lock))
        await wanted_by(scene, lock, 2)
        approving.append(await trial.approve(trial.cards[2]))
    await asyncio.gather(*approving)
    assert await checked.tried(await checked.claim()) == [1, 2]


async def wanted_by(scene: Scene, lock: str, users: int) -> None:
    """Return when so many hold this lock or wait for it."""
    while scene.ctx.job_locks._held[lock][1] < users:
        await scene.db.read(list_intents)
