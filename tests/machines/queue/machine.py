"""The machine: its rules of time, and what must hold after every step and at the end."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from lazyaf.domain.jobs import StopReason
from lazyaf.domain.runners import RunnerEnd
from lazyaf.services.leases import touch
from lazyaf.services.reap import lose_runner
from lazyaf.store.board_list import BoardFilter, list_summaries
from lazyaf.store.events import events_after
from machines.queue.house import House
from machines.queue.oracle import Job
from machines.queue.people import People
from machines.queue.runner_side import Runners
from machines.queue.world import DEAD, Runner, cuts, pick
from machines.simulation import STEP_S, Cut


@dataclass(frozen=True)
class Act:
    """Something that happens: a method of the machine, and what it is given."""

    name: str
    given: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"{self.name}({', '.join(f'{name}={value}' for name, value in self.given.items())})"


yes_or_no = st.booleans()
SOME_SECONDS = st.sampled_from([1, 5, 11, 29, 41, 61])
LIMITS = st.sampled_from([{}, {"script": 1}, {"claude": 1, "script": 2}])
REASONS = st.sampled_from([StopReason.FINISHED, StopReason.FINISHED, *StopReason])
HOW = st.sampled_from(["new", "new", "again", "gap"])
ENDS = st.sampled_from([*[RunnerEnd.DIED] * 4, *RunnerEnd])
LATE = st.sampled_from(["log", "checkpoint", "touch", "finish", "finish"])
ACTS: dict[str, tuple[int, dict[str, st.SearchStrategy[Any]]]] = {
    "add": (4, {"which": pick, "agent": st.sampled_from(["script", "claude"]), "urgent": yes_or_no}),
    "start": (6, {"which": pick, "fresh": yes_or_no, "cut": cuts}),
    "start_twice": (1, {"which": pick}),
    "cancel": (3, {"which": pick, "cut": cuts}),
    "cancel_everything": (1, {}),
    "move": (4, {"which": pick, "beside": pick, "above": yes_or_no}),
    "prioritise": (2, {"which": pick, "priority": st.integers(0, 2)}),
    "limit_repository": (2, {"which": pick, "limit": st.sampled_from([None, 1, 1, 2])}),
    "limit_agents": (2, {"limits": LIMITS}),
    "pause_or_resume": (1, {}),
    "register": (3, {"which": pick}),
    "heartbeat": (1, {"which": pick, "draining": st.sampled_from([False, False, True])}),
    "drain": (1, {"which": pick}),
    "die": (3, {"which": pick, "keeps_state": yes_or_no}),
    "claim": (9, {"which": pick, "is_lost": yes_or_no, "cut": cuts}),
    "claim_at_once": (3, {}),
    "be_greedy": (2, {"which": pick}),
    "log": (9, {"which": pick, "size": st.integers(1, 3), "how": HOW, "is_lost": yes_or_no, "cut": cuts}),
    "checkpoint": (4, {"which": pick, "repeats": yes_or_no, "cut": cuts}),
    "ask_for_commands": (3, {"which": pick}),
    "finish": (5, {"which": pick, "reason": REASONS, "works": yes_or_no, "is_lost": yes_or_no, "cut": cuts}),
    "come_too_late": (7, {"which": pick, "what": LATE}),
    "time_passes": (8, {"seconds": SOME_SECONDS, "are_alive": yes_or_no, "cut": cuts}),
    "the_machine_sleeps": (4, {"seconds": st.sampled_from([5, 61, 3600])}),
    "the_wall_clock_is_set": (1, {"seconds": st.sampled_from([-86_400, -61, 61, 86_400])}),
    "the_server_restarts": (2, {}),
    "a_runner_is_known_to_be_gone": (4, {"which": pick, "end": ENDS, "cut": cuts}),
    "is_cut_off": (2, {"which": pick}),
}  # fmt: skip
"""What may happen, how often beside the others, and what it is given."""


def _acts() -> st.SearchStrategy[Act]:
    names = [name for name, (weight, _) in ACTS.items() for _ in range(weight)]
    return st.sampled_from(names).flatmap(
        lambda name: st.builds(Act, st.just(name), st.fixed_dictionaries(ACTS[name][1]))
    )


SPENDING = (RunnerEnd.DIED, RunnerEnd.OUT_OF_MEMORY)
TOUCH_S = 24.0


class QueueMachine(People, Runners):
    """Everything that may happen to the queue."""

    def __init__(self) -> None:
        super().__init__()
        self.last_tick: float | None = None
        self.last_event = self.read(lambda tx: events_after(tx, 0, 10_000))[-1].id
        self.told: dict[str, Any] = {}
        self.told_jobs: dict[str, str] = {}
        self.is_sound = False
        """Whether nothing has gone wrong: only then it is worth while to see how it ends."""

    @initialize()
    def begin(self) -> None:
        for runner in self.runners[:2]:
            self.do_register(runner)
        for number in range(3):
            self.add(number, agent="script", urgent=False)
        self.log(0, size=1, how="new", is_lost=False, cut=None)

    @rule(act=_acts())
    def step(self, act: Act) -> None:
        """One rule for all: Hypothesis leaves whole rules out of its runs, and these go together."""
        self.is_sound = False
        getattr(self, act.name)(**act.given)

    # Time

    def tick(self, cut: Cut | None = None) -> bool:
        """The housekeeping's turn; False when the server died of it."""
        is_late = self.last_tick is not None and self.now - self.last_tick > STEP_S
        foreseen = self.foreseen()
        if not is_late:
            foreseen.reap(self.now)
        spent = {j.id for j in foreseen.jobs.values() if j.spent != self.oracle.jobs[j.id].spent}
        spent |= {j.id for j in foreseen.jobs.values() if j.status == "failed"}
        if self.do(self.sim.ticking(), cut, spent) is DEAD:
            self.last_tick = None
            return False
        self.last_tick = self.now
        if is_late:
            self.oracle.give_full_periods(self.now)
        else:
            self.oracle.reap(self.now)
        return True

    def time_passes(self, seconds: float, are_alive: bool, cut: Cut | None) -> None:
        """And the ticks come in time. Runners that are alive are heard of meanwhile."""
        last_word = self.now
        for step in steps(seconds):
            self.sim.clock.advance(step)
            if are_alive:
                for row in self.look().runners.values():
                    self.ctx.presence.touch(f"runner:{row.id}")
                if self.now - last_word >= TOUCH_S:
                    last_word = self.now
                    self.everyone_is_heard_of()
            if not self.tick(cut if step < STEP_S else None):
                return

    def everyone_is_heard_of(self) -> None:
        for runner in self.working():
            assert runner.held is not None
            job, attempt = self.of(runner.held)
            if attempt.state == "live":
                self.do(touch(self.ctx, job.id, runner.held.given.lease))
                self.oracle.hear(attempt, self.now)

    def the_machine_sleeps(self, seconds: float) -> None:
        """No tick comes in time, and nobody loses anything for that."""
        self.sim.clock.advance(seconds)
        self.tick()

    def the_wall_clock_is_set(self, seconds: float) -> None:
        self.sim.clock.set_wall(seconds)

    def the_server_restarts(self) -> None:
        self.sim.restart()
        self.last_tick = None
        self.oracle.forget_contacts()
        self.oracle.adopt(self.look(), set())

    def a_runner_is_known_to_be_gone(self, which: int, end: RunnerEnd, cut: Cut | None) -> None:
        there = self.working() or self.runners
        runner = there[which % len(there)]
        if self.look().runner(runner.name) is None:
            return
        lost = [j for j in self.oracle.jobs.values() if j.live and j.live.runner == runner.name]
        spends = end in SPENDING
        spending = {job.id for job in lost} if spends else set()
        is_dead = self.do(lose_runner(self.ctx, runner.name, end), cut, spending) is DEAD
        if is_dead:
            self.last_tick = None
        for job in lost:
            if not is_dead:
                self.oracle.lose(job, spends=spends)
        self.die(self.runners.index(runner), keeps_state=False)

    def is_cut_off(self, which: int) -> None:
        """A runner is not heard of for longer than its heartbeats may fail, and comes back."""
        at_work = self.at_work(which)
        self.time_passes(41, are_alive=False, cut=None)
        if at_work is not None:
            self.do_register(at_work[0])

    def do(self, work: Any, cut: Cut | None = None, spends: Any = frozenset()) -> Any:
        answer = super().do(work, cut, spends)
        if answer is DEAD:
            self.last_tick = None
        return answer

    # What must hold

    @invariant()
    def the_house_is_as_the_oracle_says(self) -> None:
        house = self.look()
        assert house.intents == 0
        assert house.jobs.keys() == self.oracle.jobs.keys()
        for job in self.oracle.jobs.values():
            self.a_job_is_as_it_should_be(house, job)
        for repo, line in self.oracle.lines.items():
            assert house.column(repo) == line
        working = {job.card for job in self.oracle.jobs.values() if job.is_open}
        assert working == {c.id for c in house.cards.values() if c.status == "in_progress"}
        self.runners_have_what_they_hold(house)
        self.cards_tell_where_they_stand(house)
        self.events_tell_the_truth(house)
        self.is_sound = True

    def a_job_is_as_it_should_be(self, house: House, job: Job) -> None:
        row, rows = house.jobs[job.id], house.attempts.get(job.id, [])
        assert (row.status, row.spent, row.cancel_requested) == (job.status, job.spent, job.cancel)
        assert [(a.state, a.src_seq) for a in rows] == [
            (a.state, len(a.texts)) for a in job.attempts
        ]
        assert job.live is None or rows[-1].contacted == job.live.contacted
        assert row.attempt == len(rows)
        assert [a.state for a in rows].count("live") == (row.status == "running")
        assert house.logs[job.id] == job.log
        if job.is_open:
            card = house.cards[job.card]
            assert (row.priority, row.position) == (card.priority, card.position)
            assert card.priority == self.oracle.priority[job.id]

    def runners_have_what_they_hold(self, house: House) -> None:
        live = {
            (a.runner, a.instance): job.id
            for job in self.oracle.jobs.values()
            if (a := job.live) is not None
        }
        for row in house.runners.values():
            # One that was offline is known to have it when it says so, or claims again.
            assert row.current_job_id in (None, live.get((row.name, row.instance_id)))
            assert row.status in (("busy",) if row.current_job_id else ("idle", "offline"))

    def cards_tell_where_they_stand(self, house: House) -> None:
        text, _ = self.read(list_summaries, BoardFilter())
        offered = house.offered
        lanes: dict[str, list[tuple[int, Job]]] = {}
        for card in json.loads(text):
            live = card["live"]
            if live is None or live["job_status"] != "queued":
                assert live is None or (live["queue_position"], live["held_by"]) == (None, None)
                continue
            job = self.oracle.jobs[live["job_id"]]
            assert live["held_by"] == self.oracle.held_by(job, offered)
            lane = self.oracle.lane(job, offered)
            lanes.setdefault(lane, []).append((live["queue_position"], job))
        for lane in lanes.values():
            lane.sort(key=lambda entry: entry[0])
            assert [place for place, _ in lane] == list(range(1, len(lane) + 1))
            order = [job for _, job in lane]
            for index, later in enumerate(order):
                assert not any(self.oracle.is_before(later, job) for job in order[:index])

    def events_tell_the_truth(self, house: House) -> None:
        told: dict[str, Any] = {}
        for event in self.read(lambda tx: events_after(tx, self.last_event, 10_000)):
            assert event.id > self.last_event
            self.last_event = event.id
            data = json.loads(event.data)
            if "job" in data:
                self.told_jobs[data["job"]["id"]] = data["job"]["status"]
            card = data.get("card")
            if card is None:
                continue
            before = self.told.get(card["id"], {"version": 0})["version"]
            assert card["version"] in (before, before + 1), (
                "no version is left out, none comes again"
            )
            self.told[card["id"]] = told[card["id"]] = card
        for card_id, row in house.cards.items():
            assert self.told[card_id]["version"] == row.version
            assert self.told[card_id]["status"] == row.status
        assert self.told_jobs == {job_id: row.status for job_id, row in house.jobs.items()}

    # The end

    def teardown(self) -> None:
        try:
            if self.is_sound:
                self.everything_comes_to_an_end()
        finally:
            self.end()

    def everything_comes_to_an_end(self) -> None:
        """With one good runner, ticks that come, and no limits, no job stays open."""
        for repo in self.repos:
            People.limit_repository(self, self.repos.index(repo), None)
        People.limit_agents(self, {})
        if self.oracle.paused:
            People.pause_or_resume(self)
        good = Runner("good", frozenset({"script", "claude"}))
        for _ in range(60):
            if not any(job.is_open for job in self.oracle.jobs.values()):
                self.the_house_is_as_the_oracle_says()
                return
            self.do_register(good)
            self.runners = [good]
            Runners.claim(self, 0, is_lost=False, cut=None)
            if good.held is not None:
                finish = StopReason.FINISHED
                Runners.finish(self, 0, finish, works=False, is_lost=False, cut=None)
            else:
                self.time_passes(29, are_alive=False, cut=None)
        raise AssertionError("Some job never ends.")


def steps(seconds: float) -> Iterator[float]:
    """The way to there in steps between which no tick is late."""
    while seconds > 0:
        yield min(seconds, STEP_S)
        seconds -= STEP_S
