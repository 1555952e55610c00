"""What people do: approve, withdraw, push, change the checks and what is under review."""

from __future__ import annotations

import asyncio

from hypothesis import strategies as st
from hypothesis.stateful import rule

from lazyaf.domain.cards import CardCommand, CardStatus
from lazyaf.domain.errors import LazyafError
from lazyaf.domain.events import PERSON
from lazyaf.domain.jobs import StopReason
from lazyaf.domain.repo_settings import MergeMethod
from lazyaf.services.approve_card import approve_card
from lazyaf.services.decide_card import reject_card
from lazyaf.services.queue_merge import withdraw_merge
from lazyaf.services.run_checks import run_checks
from lazyaf.services.start_card import RunRequest
from machines.merges.runner_side import VERDICTS, Runners
from machines.merges.world import CARDS, CHECKS, FILES, Killed, dying, pick


class People(Runners):
    """The acts of people, and those that need runners to go on at once."""

    async def _approve(self, card: str, method: MergeMethod) -> None:
        approval = card, await self.head(card)
        was_there = approval in self.approved
        self.approved.add(approval)  # also when the server dies before it answers
        try:
            await approve_card(self.scene.ctx, *approval, PERSON, method)
        except LazyafError:
            if not was_there:
                self.approved.discard(approval)
            raise

    @rule(which=pick, method=st.sampled_from(list(MergeMethod)), is_killed=st.booleans())
    def approve(self, which: int, method: MergeMethod, is_killed: bool) -> None:
        work = self._approve(self.cards[which], method)
        if not is_killed:
            self.run(work)
            return
        with dying():
            try:
                self.run(work)
            except Killed:
                self.restart()

    @rule(methods=st.lists(st.sampled_from(list(MergeMethod)), min_size=CARDS, max_size=CARDS))
    def approve_all(self, methods: list[MergeMethod]) -> None:
        self.approve_each(methods)

    def approve_each(self, methods: list[MergeMethod]) -> None:
        for which, method in enumerate(methods):
            self.run(self._approve(self.cards[which], method))

    @rule(
        methods=st.lists(st.sampled_from(list(MergeMethod)), min_size=CARDS, max_size=CARDS),
        verdicts=st.lists(st.sampled_from(VERDICTS), max_size=8),
    )
    def approve_at_once(self, methods: list[MergeMethod], verdicts: list[StopReason]) -> None:
        """Before the queue is looked at."""

        async def work() -> None:
            approving = []
            async with self.scene.ctx.job_locks.hold(f"merges:{self.repo}"):
                for card, method in zip(self.cards, methods, strict=True):
                    approving.append(asyncio.create_task(self._approve(card, method)))
                    while not (approving[-1].done() or await self._is_queued(card)):
                        pass
            await asyncio.gather(*approving, return_exceptions=True)

        self.run(work())
        self.judge_all(verdicts)

    @rule(which=pick)
    def withdraw_what_is_tried(self, which: int) -> None:
        """Too late for the runners to be stopped: they say that all is well."""
        self.push_to_main()
        self.approve_at_once([MergeMethod.MERGE] * CARDS, [])
        self.claim()
        self.withdraw(which)
        while self.held:
            self.run(self.judge(self.held.pop(), StopReason.FINISHED))

    async def _is_queued(self, card: str) -> bool:
        return card in {queued.card_id for queued in await self.checked.queue(self.repo)}

    @rule(which=pick)
    def approve_what_was_seen_long_ago(self, which: int) -> None:
        self.run(approve_card(self.scene.ctx, self.cards[which], self.seen, PERSON))

    @rule(which=pick)
    def withdraw(self, which: int) -> None:
        card = self.cards[which]

        async def work() -> None:
            await withdraw_merge(self.scene.ctx, card, PERSON)
            self.approved.discard((card, await self.head(card)))

        self.run(work())

    @rule()
    def have_more_work(self) -> None:
        """Another card in the place of each that is done."""

        async def work() -> None:
            await self.agents_work()
            for which, name in enumerate(FILES):
                card = self.cards[which]
                if (await self.scene.card_row(card)).status == CardStatus.DONE.value:
                    self.former.append(card)
                    self.cards[which] = await self.new_card(name)
                    await self.checked.settled()
                    await self.agents_work()

        self.run(work())

    @rule(which=pick, is_judged=st.booleans())
    def push_to_a_card(self, which: int, is_judged: bool) -> None:
        async def work() -> None:
            row = await self.scene.card_row(self.cards[which])
            if row.status == CardStatus.IN_REVIEW.value:
                self.files += 1
                files = {f"more-{self.files}.txt": "1\n"}
                await self.scene.push(self.repo, row.branch_name or "", files)

        self.run(work())
        if is_judged:
            self.judge_all([StopReason.FINISHED] * CARDS)

    @rule()
    def push_to_main(self) -> None:
        async def work() -> None:
            self.files += 1
            files = {f"main-{self.files}.txt": "1\n"}
            self.pushed.add(await self.scene.push(self.repo, "main", files))

        self.run(work())

    @rule(which=pick)
    def leave_review_and_come_back(self, which: int) -> None:
        """An approval ends with the review."""
        card = self.cards[which]

        async def work() -> None:
            await reject_card(self.scene.ctx, card, PERSON)
            self.approved.discard((card, await self.head(card)))
            await self.scene.start(card, CardCommand.START, RunRequest())
            await self.agents_work()

        self.run(work())
        self.judge_all([StopReason.FINISHED] * CARDS)

    @rule(
        checks=st.sampled_from(["tests", "tests", "lint", "lint", "none"]),
        is_approved=st.booleans(),
    )
    def change_the_checks(self, checks: str, is_approved: bool) -> None:
        self.checks = checks
        self.run(self.checked.settings(self.repo, checks=CHECKS[checks]))
        if is_approved:
            self.approve_each([MergeMethod.SQUASH] * CARDS)

    @rule(which=pick)
    def run_again(self, which: int) -> None:
        self.run(run_checks(self.scene.ctx, self.cards[which], PERSON))
