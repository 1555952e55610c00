"""Cards and jobs under any sequence of commands of people, runners and time.

Real SQLite and real git, a simulated clock; after each step the house is in order: one open job per
card in progress, one live attempt per job, no intent left, statuses only along the table, events that
tell what the database says, and merges that are really there.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule
from sqlalchemy import select

from factories.scene import Scene
from lazyaf.domain.cards import TRANSITIONS, CardCommand, CardStatus
from lazyaf.domain.events import PERSON
from lazyaf.domain.jobs import OPEN, StopReason
from lazyaf.git import refs
from lazyaf.protocol.messages import CheckpointRequest, Job
from lazyaf.services.approve_card import approve_card
from lazyaf.services.cancel_job import cancel_card
from lazyaf.services.cards import delete_card
from lazyaf.services.decide_card import reject_card, reopen_card
from lazyaf.services.reap import reap
from lazyaf.services.record_checkpoint import record_checkpoint
from lazyaf.services.start_card import RunRequest
from lazyaf.store.board import card_summary
from lazyaf.store.events import events_after
from lazyaf.store.intents import list_intents
from lazyaf.store.tables import attempts, cards, jobs
from machines.scene_machine import SceneMachine, answered, play

NEXT = {(source, target) for (source, _), target in TRANSITIONS.items()}
UNANNOUNCED = ("live",)
"""A log changes what a card shows of its job, and is announced at most once a second."""

pick = st.integers(min_value=0, max_value=99)


class House(SceneMachine):
    """The commands, each possibly refused, and what must hold after every one."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: dict[str, int] = {}
        self.statuses: dict[str, str] = {}
        self.merged: set[str] = set()

    def attempt(self, work: Awaitable[Any]) -> Any:
        return self.run(answered(work))

    @initialize()
    def begin(self) -> None:
        async def make() -> None:
            self.scene = Scene(self.db, self.folder / "git", self.clock)
            self.repo = await self.scene.repo()
            self.runners = [await self.scene.runner() for _ in range(2)]
            for _ in range(2):
                await self.scene.in_review(self.repo)

        self.run(make())

    # People

    @rule()
    @precondition(lambda self: len(self.card_ids()) < 4)
    def add(self) -> None:
        self.run(self.scene.card(self.repo))

    def card_ids(self) -> list[str]:
        query = select(cards.c.id).order_by(cards.c.id)
        found = self.db.read_sync(lambda tx: [row.id for row in tx.execute(query)])
        return list(found)

    def having(self, *statuses: str) -> list[str]:
        """The cards in one of these statuses; commands go mostly where they are legal."""
        query = select(cards.c.id).where(cards.c.status.in_(statuses)).order_by(cards.c.id)
        return [row.id for row in self.db.read_sync(lambda tx: tx.execute(query).all())]

    def on_card(self, which: int, command: Callable[[str], Awaitable[Any]], *statuses: str) -> Any:
        ids = self.having(*statuses) if statuses else self.card_ids()
        return self.attempt(command(ids[which % len(ids)])) if ids else None

    @rule(which=pick, fresh=st.booleans())
    @precondition(lambda self: self.having("todo", "failed", "in_review"))
    def start(self, which: int, fresh: bool) -> None:
        async def run(card: str) -> None:
            status = (await self.scene.card_row(card)).status
            commands = {"todo": "start", "failed": "retry", "in_review": "request_changes"}
            request = RunRequest(message="Go on", fresh=fresh)
            await self.scene.start(card, CardCommand(commands[status]), request)
            job = await self.scene.claim(self.runners[which % 2])
            if job is not None:
                self.held.append(job)

        self.on_card(which, run, "todo", "failed", "in_review")

    @rule(which=pick)
    @precondition(lambda self: self.having("in_progress"))
    def cancel(self, which: int) -> None:
        self.on_card(which, lambda card: cancel_card(self.scene.ctx, card, PERSON), "in_progress")

    @rule(which=pick)
    @precondition(lambda self: self.having("in_review"))
    def approve(self, which: int) -> None:
        async def run(card: str) -> None:
            row = await self.scene.card_row(card)
            shown = await approve_card(self.scene.ctx, card, row.head_sha or "0" * 40, PERSON)
            if shown["merged_sha"] is not None:
                self.merged |= {shown["merged_sha"], row.head_sha or ""}

        self.on_card(which, run, "in_review")
        self.run(self.scene.ctx.background.settle())

    @rule(which=pick)
    @precondition(lambda self: self.having("in_review", "failed"))
    def reject(self, which: int) -> None:
        self.on_card(
            which, lambda card: reject_card(self.scene.ctx, card, PERSON), "in_review", "failed"
        )

    @rule(which=pick)
    @precondition(lambda self: self.having("done"))
    def reopen(self, which: int) -> None:
        self.on_card(which, lambda card: reopen_card(self.scene.ctx, card, PERSON), "done")

    @rule(which=pick, command=st.sampled_from(["approve", "reject", "reopen", "delete"]))
    @precondition(lambda self: len(self.card_ids()) > 2)
    def anything(self, which: int, command: str) -> None:
        """Whether it is allowed or not."""
        ctx = self.scene.ctx
        commands: dict[str, Callable[[str], Awaitable[Any]]] = {
            "approve": lambda card: approve_card(ctx, card, "0" * 40, PERSON),
            "reject": lambda card: reject_card(ctx, card, PERSON),
            "reopen": lambda card: reopen_card(ctx, card, PERSON),
            "delete": lambda card: self.db.write(delete_card, card, PERSON),
        }
        self.on_card(which, commands[command])

    @rule()
    def push_to_main(self) -> None:
        self.files += 1
        self.run(self.scene.push(self.repo, "main", {f"main-{self.files}.txt": "1\n"}))

    # Runners

    @rule(which=pick)
    def claim(self, which: int) -> None:
        job = self.attempt(self.scene.claim(self.runners[which % 2]))
        if job is not None:
            self.held.append(job)

    def on_job(self, which: int, command: Callable[[Job], Awaitable[Any]]) -> Any:
        return (
            self.attempt(command(self.held[-1 - which % min(3, len(self.held))]))
            if self.held
            else None
        )

    @rule(which=pick)
    @precondition(lambda self: self.held)
    def log(self, which: int) -> None:
        def send(job: Job) -> Awaitable[Any]:
            return self.scene.log(job, self.sent.get(job.lease, 0) + 1, "line", "line")

        def remember(job: Job) -> Awaitable[Any]:
            async def run() -> None:
                self.sent[job.lease] = await send(job)

            return run()

        self.on_job(which, remember)

    async def pushed(self, job: Job) -> str:
        self.files += 1
        ref = await self.scene.ref(job.repo.id, f"{job.push_prefix}head")
        onto = [ref] if ref else []
        return await self.scene.work(job, {f"work-{self.files}.txt": "1\n"}, onto)

    @rule(which=pick)
    @precondition(lambda self: self.held)
    def checkpoint(self, which: int) -> None:
        async def run(job: Job) -> None:
            request = CheckpointRequest(head_sha=await self.pushed(job), files=1)
            await record_checkpoint(self.scene.ctx, job.job_id, job.lease, request)

        self.on_job(which, run)

    @rule(
        which=pick, reason=st.sampled_from([StopReason.FINISHED, *StopReason]), works=st.booleans()
    )
    @precondition(lambda self: self.held)
    def finish(self, which: int, reason: StopReason, works: bool) -> None:
        async def run(job: Job) -> None:
            head = await self.pushed(job) if works else None
            await self.scene.finish(job, reason, head_sha=head)

        self.on_job(which, run)

    @rule(seconds=st.sampled_from([5, 11, 61]))
    def time_passes(self, seconds: int) -> None:
        self.clock.advance(seconds)
        self.run(reap(self.scene.ctx))
        self.runners = [self.run(self.scene.runner()) for _ in range(2)]

    # What must hold

    @invariant()
    def the_house_is_in_order(self) -> None:
        if not hasattr(self, "repo"):
            return
        self.run(self._look())

    async def _look(self) -> None:
        rows, open_jobs, live = await self.db.read(_everything)
        for card_id, card in rows.items():
            expected = 1 if card.status == "in_progress" else 0
            assert open_jobs.get(card_id, 0) == expected, (card.status, open_jobs)
        assert all(count == 1 for count in live.values())
        assert await self.db.read(list_intents) == []
        await self._events_tell_the_truth(rows)
        tip = await self.scene.tip(self.repo, "main")
        assert tip is not None
        for sha in self.merged:
            assert await refs.is_ancestor(self.scene.ctx.git, self.repo, sha, tip)

    async def _events_tell_the_truth(self, rows: dict[str, Any]) -> None:
        told: dict[str, Any] = {}
        statuses: dict[str, str] = {}
        for event in await self.db.read(events_after, 0, 100_000):
            card = json.loads(event.data).get("card")
            if card is None:
                continue
            before = statuses.get(card["id"], "todo")
            step = (CardStatus(before), CardStatus(card["status"]))
            assert step[0] is step[1] or step in NEXT, step
            statuses[card["id"]] = card["status"]
            told[card["id"]] = card
        for card_id in rows:
            actual = await self.db.read(card_summary, card_id)
            for name in UNANNOUNCED:
                actual.pop(name)
                told[card_id].pop(name)
            assert told[card_id] == actual


def _everything(tx: Any) -> tuple[dict[str, Any], dict[str, int], dict[str, int]]:
    rows = {row.id: row for row in tx.execute(select(cards))}
    opened: dict[str, int] = {}
    for row in tx.execute(select(jobs.c.card_id, jobs.c.status)):
        if row.status in OPEN:
            opened[row.card_id] = opened.get(row.card_id, 0) + 1
    live: dict[str, int] = {}
    for row in tx.execute(select(attempts.c.job_id).where(attempts.c.state == "live")):
        live[row.job_id] = live.get(row.job_id, 0) + 1
    return rows, opened, live


def test_the_house_stays_in_order(migrated_file: Path) -> None:
    play(House, migrated_file, examples=20, steps=40)
