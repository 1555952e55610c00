"""One card's way from its start to the merge, through one fault or two."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final

import httpx2

from faults import proof
from faults.blows import BLOWS, Blow, Place
from faults.moments import Moment, Stage
from faults.site import Site
from faults.wire import Trap, Wire
from lazyaf.domain.jobs import MAX_ATTEMPTS
from support.waiting import until

STEPS: Final = 9
LINES: Final = 2_000
SCRIPT: Final = Path(__file__).with_name("agent.sh").read_text()
COMES_S: Final = 60.0
SETTLES_S: Final = 120.0
LOOK_S: Final = 0.1
RETRIES: Final = 3
TAIL: Final = 4_000
MOST_BLOWS: Final = 4
"""In one trial."""
OVER: Final = frozenset({"in_review", "failed", "todo", "done"})


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to happen to a trial: blows with their moments, by the dice of this seed."""

    seed: str
    blows: tuple[tuple[Moment, Blow], ...]


@dataclass(slots=True)
class Struck:
    """A blow that fell. ``saved`` is how many steps the server held then, ``spooled`` how far each run
    had counted on the runner's disk, ``up`` the machine's time."""

    moment: Moment
    blow: Blow
    saved: int
    spooled: dict[str, int]
    up: float


@dataclass(slots=True)
class Told:
    """What came of a trial. Without ``losses`` nothing was lost; ``missed`` moments never came."""

    seed: str
    struck: list[Struck] = field(default_factory=list)
    missed: list[Moment] = field(default_factory=list)
    losses: list[str] = field(default_factory=list)
    diagnosis: str = ""
    seconds: float = 0.0

    def __str__(self) -> str:
        blows = ", ".join(f"{struck.blow.name} while {struck.moment}" for struck in self.struck)
        verdict = f"LOST: {'; '.join(self.losses)}\n{self.diagnosis}" if self.losses else "ok"
        return f"{self.seed:<14} {self.seconds:5.1f} s  {blows or 'no fault'}: {verdict}"


class Trial:
    """See the module. `play` once."""

    def __init__(self, site: Site, plan: Plan) -> None:
        self.site = site
        self.tag = f"trial-{plan.seed}".replace(":", "-")
        self._plan = plan
        self._dice = Random(plan.seed)
        self.card = ""
        self.main_before = ""
        self.told = Told(plan.seed)

    def play(self) -> Told:
        """From start to merge. What is lost stands in the answer."""
        began = time.monotonic()
        try:
            self._play()
        except Exception as error:  # noqa: BLE001 - whatever stops a trial is a loss, with its words
            self.told.losses.append(f"{type(error).__name__}: {error}")
        finally:
            self.site.arm(None)
        if self.told.losses:
            self.told.diagnosis = self._diagnosis()
        self.told.seconds = time.monotonic() - began
        return self.told

    def _play(self) -> None:
        site = self.site
        until(site.answers, "the server serves")
        command = SCRIPT.replace("@TAG@", self.tag)
        command = command.replace("@STEPS@", str(STEPS)).replace("@LINES@", str(LINES))
        self.card = site.board.add(
            site.repo, self.tag, agent="script", agent_options={"command": command}
        )
        blows = [each for each in self._plan.blows if each[0] is not Moment.APPROVING]
        self._start(blows)
        self._settle()
        proof.after_work(self)
        self._merge([each for each in self._plan.blows if each[0] is Moment.APPROVING])
        proof.after_merge(self)

    def _start(self, blows: list[tuple[Moment, Blow]]) -> None:
        queued = [each for each in blows if each[0] is Moment.QUEUED]
        others = [each for each in blows if each[0] is not Moment.QUEUED]
        if queued:
            self.site.board.patch("/api/settings", {"claims_paused": True})
        elif others:
            self._arm(*others[0])
        self.site.board.command(self.card, "start")
        for moment, blow in queued:
            self._strike(moment, blow, self._dice.choice(self.site.crew).wire)
            self._endure(blow)
        if queued:
            until(self.site.answers, "the server serves")
            if others:
                self._arm(*others[0])
            self.site.board.patch("/api/settings", {"claims_paused": False})
        for number, (moment, blow) in enumerate(others):
            if number:
                self._arm(moment, blow)
            if self._comes(moment):
                self._endure(blow)

    def _arm(self, moment: Moment, blow: Blow) -> None:
        stage = self._dice.choice(blow.stages)
        if moment is Moment.CLAIMING and stage is Stage.ASKED:
            stage = Stage.ANSWERED  # runners ask all the time; only an answer makes it a claim

        def act(wire: Wire) -> bool:
            try:
                self._strike(moment, blow, wire)
            except Exception as error:  # noqa: BLE001 - it would be lost with the wire's own thread
                self.told.losses.append(f"{type(error).__name__}: {error}")
            return blow.loses_exchange

        self._trap = Trap(moment, stage, act)
        self.site.arm(self._trap)

    def _comes(self, moment: Moment) -> bool:
        """Wait for the moment; false when the card's work is over without it."""

        def probe() -> bool:
            return self._trap.sprung.is_set() or self._is_over()

        until(probe, f"{moment} comes", seconds=COMES_S, every=LOOK_S)
        self.site.arm(None)
        if self._trap.disarm():
            return True
        self.told.missed.append(moment)
        return False

    def _strike(self, moment: Moment, blow: Blow, wire: Wire) -> None:
        self._place = Place(self.site, self.site.runner_on(wire), self.tag)
        blow.strike(self._place)
        saved, spooled = proof.steps_saved(self), self._place.runner.spooled()
        self.told.struck.append(Struck(moment, blow, saved, spooled, up=_uptime()))

    def _endure(self, blow: Blow) -> None:
        time.sleep(blow.length(self._dice))
        blow.mend(self._place)

    def _is_over(self) -> bool:
        return (self._status() or "") in OVER

    def _status(self) -> str | None:
        """The card's status; None while the server does not say."""
        self.site.tend()
        try:
            answer = self.site.server.client.get(f"/api/cards/{self.card}", timeout=5)
        except (httpx2.HTTPError, AssertionError):
            return None
        return str(answer.json()["status"]) if answer.is_success else None

    def _settle(self) -> None:
        """See the card into review; a person retries what failed."""
        for _ in range(RETRIES + 1):
            status = until(
                lambda: self._is_over() and self._status(),
                "the job ends",
                seconds=SETTLES_S,
                every=LOOK_S,
            )
            if status == "in_review":
                return
            self._require_reason(str(status))
            until(lambda: self._ask("retry").is_success, "the card is started again")
        raise AssertionError(f"It does not come to review in {RETRIES} retries.")

    def _require_reason(self, status: str) -> None:
        """A job may fail only for what was done to it."""
        failure: dict[str, Any] = self.site.board.card(self.card)["failure"] or {}
        blows = [struck.blow for struck in self.told.struck]
        allowed = {reason for blow in blows for reason in blow.fails}
        if sum(blow.spends for blow in blows) >= MAX_ATTEMPTS:
            allowed.add("runner_lost")
        assert failure.get("reason") in allowed, f"became {status}: {failure}"

    def _merge(self, blows: list[tuple[Moment, Blow]]) -> None:
        if blows:
            self._arm(*blows[0])
        answer = self._ask("approve")
        for _, blow in blows:
            assert self._trap.sprung.wait(COMES_S), "nobody approved"
            self._endure(blow)
        if answer.is_success:
            return
        until(self.site.answers, "the server serves")

        def done() -> bool:
            return self._status() == "done" or self._ask("approve").is_success

        until(done, "the card is merged", seconds=SETTLES_S, every=LOOK_S)

    def _ask(self, command: str) -> httpx2.Response:
        """Give the card a command by the person's wire; a lost answer is a 599."""
        body = None
        try:
            if command == "approve":
                body = {"head_sha": self.site.board.diff(self.card)["head_sha"]}
            with self.site.person() as person:
                return person.post(f"/api/cards/{self.card}/{command}", json=body)
        except (httpx2.HTTPError, AssertionError) as error:
            return httpx2.Response(599, text=str(error))

    def _diagnosis(self) -> str:
        """Everything that can be looked at while the site stands."""
        attempts = self.site.rows(
            "SELECT a.job_id, a.attempt, a.state, a.src_seq, r.name, a.started_at, a.ended_at "
            "FROM attempts a JOIN jobs j ON j.id = a.job_id LEFT JOIN runners r "
            "ON r.id = a.runner_id WHERE j.card_id = ? ORDER BY 1, 2", self.card
        )  # fmt: skip
        parts = [*map(str, attempts), self.site.board.diagnosis(self.card)]
        for runner in self.site.crew:
            text = runner.log_path.read_text(errors="replace")
            parts.append(f"--- {runner.log_path.name}\n{text[-TAIL:]}")
        return "\n".join(parts)


def _uptime() -> float:
    return float(Path("/proc/uptime").read_text().split()[0])


def plans(seed: str, count: int, blows: tuple[Blow, ...] = BLOWS) -> list[Plan]:
    """This many plans: every blow at every moment it fits before any comes again, in the order of the
    dice; two of three with a second blow after the first, or a third and a fourth."""
    dice = Random(seed)
    made: list[Plan] = []
    while len(made) < count:
        cells = [(moment, blow) for blow in blows for moment in Moment if moment in blow.moments]
        dice.shuffle(cells)
        for cell in cells[: count - len(made)]:
            chosen = [cell]
            while len(chosen) < MOST_BLOWS and dice.random() < 2 / 3:
                taken = [moment for moment, _ in chosen]
                chosen.append(dice.choice([each for each in cells if each[0] not in taken]))
            order = list(Moment)
            chosen.sort(key=lambda each: order.index(each[0]))
            made.append(Plan(f"{seed}:{len(made)}", tuple(chosen)))
    return made
