"""Hand out the jobs whose turn it is to the runners that ask (rules.md R12).

Runners that wait for the writer together are answered together, in the order in which they asked: the
statements are the same for many as for one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from lazyaf.domain.checks import CHECKS
from lazyaf.domain.errors import LazyafError
from lazyaf.domain.events import Actor, EventType
from lazyaf.domain.jobs import JobCommand, JobKind, JobStatus, apply
from lazyaf.domain.runners import PoolKind
from lazyaf.services.announce import job_changed, runner_changed
from lazyaf.services.check_state import checks_began
from lazyaf.services.credentials import AttemptSecrets, LeaseKeys, digest
from lazyaf.services.in_rounds import in_rounds
from lazyaf.services.runners import require_registered
from lazyaf.services.supplies import Supplies
from lazyaf.store.board import FullCard, full_card, full_cards
from lazyaf.store.check_runs import CheckRunRow, find_run
from lazyaf.store.holds import AGENT_LIMITS, HOLDING, agent_rooms, holds_of
from lazyaf.store.jobs import (
    AttemptRow,
    JobRow,
    get_job,
    insert_attempts,
    update_jobs,
)
from lazyaf.store.next_job import Claimant, Scope, Turn, Turns, find_claimants
from lazyaf.store.repos import RepoRow, get_repo
from lazyaf.store.runners import RunnerRow, update_runner, update_runners
from lazyaf.store.settings import get_settings
from lazyaf.store.tx import Tx

COMMITTER: Final = "committer"


@dataclass(frozen=True, slots=True)
class Ask:
    """A runner's look into the queue, and what decides what it may get."""

    instance_id: str
    token_id: str
    claim_id: str
    keys: LeaseKeys
    supplies: Supplies
    now: str


@dataclass(frozen=True, slots=True)
class Claimed:
    """What the claim found, before git was asked."""

    runner: RunnerRow
    job: JobRow
    card: FullCard | None
    repo: RepoRow
    committer: dict[str, str]
    attempt: int
    secrets: AttemptSecrets
    has_files: bool
    run: CheckRunRow | None = None
    ended: Literal["lost", "closed"] | None = None

    @property
    def base(self) -> str:
        """The branch that the card goes into; without a card the one that is checked."""
        own = self.card.base_branch if self.card is not None else None
        return own or self.repo.default_branch

    @property
    def branch(self) -> str:
        """The card's branch; without a card the one that is checked."""
        return self.base if self.card is None else self.card.branch_name or ""


@dataclass(frozen=True, slots=True)
class Nothing:
    """No job for this runner, and in which lanes there is none. ``is_spent``: this claim gets no job any
    more, another ``claim_id`` might."""

    runner: RunnerRow
    lanes: frozenset[str] = frozenset()
    is_spent: bool = False


Answer = Claimed | Nothing | Exception


def hand_out_jobs(tx: Tx, asks: Sequence[Ask]) -> list[Answer]:
    """Answer each, with the error that it is refused with, if it is. A claim that is made twice at once is
    answered twice, and a runner that makes two has one job."""
    return in_rounds(
        asks, lambda ask: {ask.instance_id, ask.claim_id}, lambda here: _Round(tx, here).serve()
    )


@dataclass(frozen=True, slots=True)
class _Serving:
    """A job that is given to a runner and not written yet."""

    ask: Ask
    runner: RunnerRow
    turn: Turn
    secrets: AttemptSecrets = field(repr=False)

    @property
    def attempt(self) -> int:
        return self.turn.job.attempt + 1


class _Round:
    """Those who are served together, none of whom is there twice."""

    def __init__(self, tx: Tx, asks: Sequence[Ask]) -> None:
        self._tx = tx
        self._asks = asks
        self._settings = get_settings(tx, (*HOLDING, COMMITTER))
        self._holds = holds_of(self._settings)
        rooms = agent_rooms(tx, self._settings.get(AGENT_LIMITS) or {})
        self._turns = Turns(tx, len(asks), rooms, self._write)
        self._answers: dict[str, Answer] = {}
        self._unwritten: list[_Serving] = []

    def serve(self) -> list[Answer]:
        """Their answers, in their order."""
        ids = [(ask.instance_id, ask.claim_id) for ask in self._asks]
        for ask, claimant in zip(self._asks, find_claimants(self._tx, ids), strict=True):
            answer = self._answer(ask, claimant)
            if isinstance(answer, _Serving):
                self._unwritten.append(answer)
            else:
                self._answers[ask.claim_id] = answer
        self._write()
        return [self._answers[ask.claim_id] for ask in self._asks]

    def _answer(self, ask: Ask, claimant: Claimant) -> Answer | _Serving:
        try:
            runner = require_registered(claimant.runner, ask.token_id)
        except LazyafError as refusal:
            return refusal
        if claimant.attempt is not None:
            return self._again(runner, claimant.attempt, ask)
        if runner.current_job_id is not None or runner.is_draining:
            return Nothing(runner)  # one job at a time: the one it has ends, or its lease does
        turn = None if self._holds.is_shut else self._turn(ask, runner, claimant.checks_wait)
        if turn is None:
            return Nothing(runner, runner.lanes)
        secrets = ask.keys.attempt(turn.job.id, turn.job.attempt + 1, ask.claim_id)
        return _Serving(ask, runner, turn, secrets)

    def _turn(self, ask: Ask, runner: RunnerRow, checks_wait: bool) -> Turn | None:
        agents, scope = runner.agent_names, _scope(runner, ask.supplies)
        # Checks first: what is nearly done is finished before more is begun.
        checks = [CHECKS] if agents and checks_wait else []
        return self._turns.take(checks, scope) or self._turns.take(agents, scope)

    def _write(self) -> None:
        """The jobs run from now on, each in an attempt of its runner."""
        served, self._unwritten = self._unwritten, []
        if not served:
            return
        jobs = update_jobs(self._tx, [(s.turn.job, _running(s)) for s in served])
        insert_attempts(self._tx, [_attempt(s) for s in served])
        for s, job in zip(served, jobs, strict=True):
            if job.kind == JobKind.CHECK.value:
                checks_began(self._tx, job, s.ask.now)
        busy = update_runners(self._tx, [(s.runner, _busy(s.turn.job, s.ask)) for s in served])
        cards = full_cards(self._tx, [job.card_id for job in jobs if job.card_id is not None])
        for s, job, runner in zip(served, jobs, busy, strict=True):
            card = cards[job.card_id] if job.card_id is not None else None
            actor = Actor("runner", runner.name)
            job_changed(self._tx, EventType.JOB_CLAIMED, job.id, actor, job, card)
            runner_changed(
                self._tx, EventType.RUNNER_UPDATED, runner.id, actor, card=card, runner=runner
            )
            self._answers[s.ask.claim_id] = Claimed(
                s.runner,
                job,
                card,
                s.turn.repo,
                self._committer,
                job.attempt,
                s.secrets,
                s.turn.has_files,
                _run_of(self._tx, job),
            )

    @property
    def _committer(self) -> dict[str, str]:
        found: dict[str, str] = self._settings.get(COMMITTER) or {}
        return found

    def _again(self, runner: RunnerRow, held: AttemptRow, ask: Ask) -> Claimed | Nothing:
        """The same job for the same claim: the answer was lost, or the runner began anew."""
        if held.runner_id != runner.id:
            return Nothing(runner, is_spent=True)
        self._write()  # the job may have been given to another just now
        job = get_job(self._tx, held.job_id)
        claimed = Claimed(
            runner,
            job,
            full_card(self._tx, job.card_id) if job.card_id is not None else None,
            get_repo(self._tx, job.repo_id),
            self._committer,
            held.attempt,
            ask.keys.attempt(held.job_id, held.attempt, held.claim_id),
            has_files=True,  # or perhaps not: it is rare enough to look
            run=_run_of(self._tx, job),
        )
        if held.state != "live":
            return replace(claimed, ended="lost" if held.state == "lost" else "closed")
        if runner.current_job_id != held.job_id:
            actor = Actor("runner", runner.name)
            busy = update_runner(self._tx, runner, _busy(job, ask))
            runner_changed(
                self._tx,
                EventType.RUNNER_UPDATED,
                runner.id,
                actor,
                card=claimed.card,
                runner=busy,
            )
        return claimed


def _running(served: _Serving) -> dict[str, Any]:
    job = served.turn.job
    return {
        "status": apply(JobStatus(job.status), JobCommand.CLAIM).value,
        "attempt": served.attempt,
        "runner_id": served.runner.id,
        "started_at": job.started_at or served.ask.now,
        "phase": "fetching",
    }


def _attempt(served: _Serving) -> dict[str, Any]:
    return {
        "job_id": served.turn.job.id,
        "attempt": served.attempt,
        "runner_id": served.runner.id,
        "claim_id": served.ask.claim_id,
        "lease_hash": digest(served.secrets.lease),
        "git_hash": digest(served.secrets.git_password),
        "state": "live",
        "started_at": served.ask.now,
    }


def _busy(job: JobRow, ask: Ask) -> dict[str, Any]:
    return {"status": "busy", "current_job_id": job.id, "last_heartbeat": ask.now}


def _scope(runner: RunnerRow, supplies: Supplies) -> Scope:
    """For which repositories this runner may work."""
    is_warm = runner.pool == PoolKind.DOCKER.value and runner.repo_id is None
    return Scope(
        runner.image,
        images_matter=supplies.own_images or runner.image is not None,
        only=runner.repo_id,
        without=supplies.cached if is_warm else frozenset(),
    )


def _run_of(tx: Tx, job: JobRow) -> CheckRunRow | None:
    return find_run(tx, job.id) if job.kind == JobKind.CHECK.value else None
