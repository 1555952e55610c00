"""No interleaving of pushes, approvals, verdicts, settings and restarts merges what nobody approved or what
failed its checks.

Real SQLite and real git; the oracle reads only where git says that the base branch has been and what is on it,
and knows only what people and runners have said. Wherever the branch has been either a person pushed it or its
tree has passed; each commit of the server's on the way is a card that was approved, and no tree that failed. A
restart forgets everything that is in memory, in the midst of a merge as well.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pygit2
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from factories.checked import LINT, TESTS, Checked
from factories.moments import FrozenClock
from factories.scene import Scene, make_context
from lazyaf.domain.cards import CardCommand, CardStatus
from lazyaf.domain.errors import LazyafError
from lazyaf.domain.events import PERSON
from lazyaf.domain.jobs import StopReason
from lazyaf.domain.repo_settings import MergeMethod
from lazyaf.git import merge, refs
from lazyaf.protocol.messages import Job
from lazyaf.services import carry_out_merge
from lazyaf.services.approve_card import approve_card
from lazyaf.services.decide_card import reject_card
from lazyaf.services.merge_queue import advance_merges
from lazyaf.services.queue_merge import withdraw_merge
from lazyaf.services.recover import recover
from lazyaf.services.run_checks import run_checks
from lazyaf.services.start_card import RunRequest
from lazyaf.store.cards import CardRow
from lazyaf.store.database import SqlDatabase
from lazyaf.store.engine import sqlite_url
from lazyaf.store.migrate import upgrade

FILES = ("one", "two", "three", "one")
"""What each card touches: the last is in the way of the first, the others can be tried together."""
CARDS = len(FILES)
pick = st.integers(min_value=0, max_value=CARDS - 1)
VERDICTS = [
    *[StopReason.FINISHED] * 4,
    *[StopReason.CHECKS_FAILED] * 2,
    StopReason.CANCELLED,
    StopReason.SETUP_FAILED,
]
CHECKS: dict[str, list[dict[str, Any]]] = {"tests": [TESTS], "lint": [LINT], "none": []}


class Killed(BaseException):
    """The server's process is dead."""


class Queue(RuleBasedStateMachine):
    """What people and runners do, and after each of it: only the right commits are on the base branch."""

    template: Path
    merged_together = 0

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.loop = asyncio.new_event_loop()
        self.clock = FrozenClock()
        path = Path(shutil.copy(self.template, self.folder / "lazyaf.db"))
        self.db = SqlDatabase(sqlite_url(path), self.clock)
        self.db.start()
        self.held: list[Job] = []
        self.approved: set[tuple[str, str]] = set()
        self.passed: set[tuple[str, str]] = set()
        self.failed: set[tuple[str, str]] = set()
        self.pushed: set[str] = set()
        self.checks = "tests"
        self.files = 0

    def teardown(self) -> None:
        self.run(self.checked.settled())
        self.db.close()
        self.loop.close()
        shutil.rmtree(self.folder)

    def run(self, work: Awaitable[Any]) -> Any:
        """What a step is refused is an answer, too; what follows of it is done before the next."""

        async def awaited() -> Any:
            try:
                return await work
            except LazyafError as refused:
                if refused.status >= 500:
                    raise
                return None
            finally:
                await self.checked.settled() if hasattr(self, "checked") else None

        return self.loop.run_until_complete(awaited())

    @initialize(have_passed=st.sampled_from([True, True, False]))
    def begin(self, have_passed: bool) -> None:
        """Mostly with cards that have passed on a tip that is the base's no more."""

        async def make() -> None:
            self.scene = Scene(self.db, self.folder / "git", self.clock)
            checked = Checked(self.scene)
            self.repo = await checked.repo([])
            self.cards = [await self._new_card(name) for name in FILES]
            self.former = list[str]()
            await checked.settings(self.repo, checks=CHECKS[self.checks])
            self.checked = checked
            self.seen = await self.scene.tip(self.repo, "main") or ""
            self.looked = 0
            # From here on git writes down where the branch has been.
            repository = pygit2.Repository(str(self.scene.ctx.git.path(self.repo)))
            repository.config["core.logAllRefUpdates"] = True

        self.run(make())
        if have_passed:
            self.judge_all([StopReason.FINISHED] * CARDS)
            self.push_to_main()

    async def _new_card(self, name: str) -> str:
        self.files += 1
        return (await self.scene.in_review(self.repo, {f"{name}.txt": f"{self.files}\n"}))[0]

    async def head(self, card: str) -> str:
        return (await self.scene.card_row(card)).head_sha or ""

    # People

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
            self.run(self._judge(self.held.pop(), StopReason.FINISHED))

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
            await self._agents_work()
            for which, name in enumerate(FILES):
                card = self.cards[which]
                if (await self.scene.card_row(card)).status == CardStatus.DONE.value:
                    self.former.append(card)
                    self.cards[which] = await self._new_card(name)
                    await self.checked.settled()
                    await self._agents_work()

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
            await self._agents_work()

        self.run(work())
        self.judge_all([StopReason.FINISHED] * CARDS)

    async def _agents_work(self) -> None:
        """Whatever is to be worked, until the agents' jobs are over; checks are held."""
        while (job := await self.scene.claim(await self.scene.runner())) is not None:
            if job.checks:
                self.held.append(job)
            else:
                await self.scene.finish(job, StopReason.NO_CHANGES)

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

    # Runners

    @rule(verdicts=st.lists(st.sampled_from(VERDICTS), min_size=1, max_size=8))
    def work_off(self, verdicts: list[StopReason]) -> None:
        """Runners take what there is, and judge it."""
        self.judge_all(verdicts)

    def judge_all(self, verdicts: list[StopReason]) -> None:
        for verdict in verdicts:
            self.run(self._agents_work())
            if self.held:
                self.run(self._judge(self.held.pop(), verdict))

    @rule()
    def claim(self) -> None:
        self.run(self._agents_work())

    @rule(which=st.integers(0, 9), verdict=st.sampled_from(VERDICTS))
    @precondition(lambda self: self.held)
    def judge_late(self, which: int, verdict: StopReason) -> None:
        """What was claimed some steps ago."""
        self.run(self._judge(self.held.pop(which % len(self.held)), verdict))

    async def _judge(self, job: Job, verdict: StopReason) -> None:
        names = [check.name for check in job.checks]
        tree = await merge.tree_of(self.scene.ctx.git, self.repo, job.base_sha)
        if verdict is StopReason.FINISHED:
            self.passed |= {(tree, name) for name in names}
            await self.checked.end(job)
        elif verdict is StopReason.CHECKS_FAILED:
            self.failed |= {(tree, name) for name in names}
            await self.checked.end(job, *names)
        else:
            await self.scene.finish(job, verdict)

    # Machines

    @rule(is_moved=st.booleans())
    def pass_and_die(self, is_moved: bool) -> None:
        """The last word on what is under way; the server dies as it acts on it."""
        self.run(self._agents_work())
        self.scene.db.on_commit.clear()
        while self.held:
            self.run(self._judge(self.held.pop(), StopReason.FINISHED))
        with dying(is_moved=is_moved), suppress(Killed):
            self.run(advance_merges(self.scene.ctx, self.repo))
        self.restart()

    @rule()
    def restart(self) -> None:
        async def work() -> None:
            scene = self.scene
            self.db.on_commit.clear()
            scene.ctx = make_context(self.db, self.folder / "git", self.clock, scene.new_id)
            self.checked = Checked(scene)
            await recover(scene.ctx)
            await scene.look(self.repo)

        self.run(work())

    # What must hold

    @invariant()
    def only_the_right_commits_are_there(self) -> None:
        if hasattr(self, "checked"):
            self.loop.run_until_complete(self._look())

    async def _look(self) -> None:
        rows = [await self.scene.card_row(card) for card in (*self.former, *self.cards)]
        merged = {row.merged_sha: row for row in rows if row.merged_sha is not None}
        for row in rows:
            if row.merge_state is not None and row.merge_state["state"] == "bounced":
                self.approved.discard((row.id, row.merge_state["head_sha"]))
        moves = self._moves()
        for old, new in moves[self.looked :]:
            if new not in self.pushed:
                await self._look_at_merge(old, new, merged)
        self.looked = len(moves)

    def _moves(self) -> list[tuple[str, str]]:
        """From where to where the base branch has gone."""
        log = self.scene.ctx.git.path(self.repo) / "logs" / "refs" / "heads" / "main"
        lines = log.read_text().splitlines() if log.exists() else []
        return [(old, new) for old, new, *_ in map(str.split, lines)]

    async def _look_at_merge(self, old: str, new: str, merged: dict[str, CardRow]) -> None:
        sha, cards, names = new, 0, {check["name"] for check in CHECKS[self.checks]}
        while sha != old:
            row, cards = merged[sha], cards + 1
            assert row.status == CardStatus.DONE.value
            assert (row.id, row.head_sha) in self.approved
            tree = await merge.tree_of(self.scene.ctx.git, self.repo, sha)
            results = {(tree, name) for name in names}
            assert (
                results <= self.passed if sha == new else not results & (self.failed - self.passed)
            )
            sha = await self._before(sha, old, merged)
        Queue.merged_together += cards > 1

    async def _before(self, sha: str, old: str, merged: dict[str, CardRow]) -> str:
        """However it was merged, a card is one commit, or a rebase's as many as it has of its own."""
        parents = await refs.parents(self.scene.ctx.git, self.repo, sha)
        if len(parents) > 1:
            return parents[0]
        own = await merge.written(self.scene.ctx.git, self.repo, old, sha)
        while parents[0] != old and parents[0] not in merged and own:
            parents = await refs.parents(self.scene.ctx.git, self.repo, parents[0])
            own.pop()
        return parents[0]


@contextmanager
def dying(*, is_moved: bool = True) -> Iterator[None]:
    """The server dies when it has moved the branch, before it has said so; or just before it moves it."""
    real = carry_out_merge._effect

    async def killed(*args: Any) -> None:
        if is_moved:
            await real(*args)
        raise Killed

    carry_out_merge._effect = killed
    try:
        yield
    finally:
        carry_out_merge._effect = real


def test_nothing_is_merged_that_was_not_approved_and_checked(tmp_path_factory: Any) -> None:
    Queue.template = tmp_path_factory.mktemp("queue") / "lazyaf.db"
    upgrade(sqlite_url(Queue.template))
    run_state_machine_as_test(
        Queue,
        settings=settings(
            max_examples=25,
            stateful_step_count=30,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert Queue.merged_together > 5
