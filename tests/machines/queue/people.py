"""What people do to the queue: start, cancel, move, give priority, limit, pause.

A ``which`` is an index into what there is; an act that nothing is there for is another one instead.
"""

from __future__ import annotations

from typing import Any

from lazyaf.domain.cards import CardCommand
from lazyaf.domain.errors import Conflict, IllegalTransition
from lazyaf.domain.events import PERSON
from lazyaf.services.cancel_job import cancel_all, cancel_card
from lazyaf.services.cards import edit_card
from lazyaf.services.edit_repo import edit_repo
from lazyaf.services.move_card import place_card
from lazyaf.services.settings import edit_settings
from lazyaf.services.start_card import RunRequest
from machines.queue.oracle import Job
from machines.queue.world import DEAD, World
from machines.simulation import Cut

CARDS_MAX = 6
STARTS = {
    "todo": CardCommand.START,
    "failed": CardCommand.RETRY,
    "in_review": CardCommand.REQUEST_CHANGES,
}


class People(World):
    """The acts of people."""

    def cards(self, *statuses: str) -> list[Any]:
        return [c for c in self.look().cards.values() if c.status in statuses]

    def open_jobs(self) -> list[Job]:
        return [job for job in self.oracle.jobs.values() if job.is_open]

    def chosen(self, which: int) -> Job | None:
        there = self.open_jobs()
        return there[which % len(there)] if there else None

    def add(self, which: int, agent: str, urgent: bool) -> None:
        if len(self.look().cards) >= CARDS_MAX:
            self.start(which, fresh=False, cut=None)
            return
        repo = self.repos[which % len(self.repos)]
        card = self.do(self.sim.scene.card(repo, agent=agent, priority=2 if urgent else 0))
        self.do_start(self.look().cards[card], fresh=False, cut=None)

    def start(self, which: int, fresh: bool, cut: Cut | None) -> None:
        found = self.cards(*STARTS)
        if found:
            self.do_start(found[which % len(found)], fresh, cut)
        elif len(self.look().cards) < CARDS_MAX:
            self.add(which, agent="script", urgent=fresh)

    def do_start(self, card: Any, fresh: bool, cut: Cut | None) -> None:
        request = RunRequest(message="Go on", fresh=fresh)
        work = self.sim.scene.start(card.id, STARTS[card.status], request)
        online = [r for r in self.look().runners.values() if r.status != "offline"]
        if online and card.agent not in {offer["name"] for r in online for offer in r.agents}:
            assert self.refused(Conflict, work).code == "agent_unavailable"
            return
        shown = self.do(work, cut)
        if shown is not DEAD:
            job_id = shown["job_id"]
            self.oracle.start(job_id, card.id, card.repo_id, card.agent, card.priority)

    def start_twice(self, which: int) -> None:
        if (job := self.chosen(which)) is None:
            return
        self.refused(IllegalTransition, self.sim.scene.start(job.card, CardCommand.START))

    def cancel(self, which: int, cut: Cut | None) -> None:
        job = self.chosen(which)
        if job is not None and self.do(cancel_card(self.ctx, job.card, PERSON), cut) is not DEAD:
            self.oracle.ask_to_cancel(job)

    def cancel_everything(self) -> None:
        there = self.open_jobs()
        assert self.do(cancel_all(self.ctx, PERSON)) == len(there)
        for job in there:
            self.oracle.ask_to_cancel(job)

    def move(self, which: int, beside: int, above: bool) -> None:
        lines = [line for line in self.oracle.lines.values() if len(line) > 1]
        if not lines:
            self.start(which, fresh=False, cut=None)
            return
        line = lines[which % len(lines)]
        moved, anchor = (self.oracle.jobs[line[n % len(line)]] for n in (which, beside))
        if moved is anchor:
            return
        where = (anchor.card, None) if above else (None, anchor.card)
        now = self.sim.clock.now()
        self.do(self.sim.power.write(place_card, moved.card, *where, PERSON, now))
        self.oracle.move(moved.id, anchor.id, above=above)

    def prioritise(self, which: int, priority: int) -> None:
        if (job := self.chosen(which)) is None:
            return
        change, now = {"priority": priority}, self.sim.clock.now()
        self.do(self.sim.power.write(edit_card, job.card, change, None, PERSON, now))
        self.oracle.priority[job.id] = priority

    def limit_repository(self, which: int, limit: int | None) -> None:
        repo = self.repos[which % len(self.repos)]
        changes = {"settings": {"wip_limit": limit}}
        self.do(edit_repo(self.ctx, repo, changes, if_match=None, actor=PERSON))
        self.oracle.wip[repo] = limit

    def limit_agents(self, limits: dict[str, int]) -> None:
        self.do(self.sim.power.write(edit_settings, {"agent_limits": limits}, PERSON))
        self.oracle.agent_limits = limits

    def pause_or_resume(self) -> None:
        self.oracle.paused = not self.oracle.paused
        change = {"claims_paused": self.oracle.paused}
        self.do(self.sim.power.write(edit_settings, change, PERSON))
