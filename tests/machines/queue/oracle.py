"""What must be true of queue, leases and logs, known from the commands alone: the oracle of the machine.

It is told what people, runners and time have done, and says what a claim may give, which attempts the
reaper takes and what a log holds. It shares no code with the services, and asks the database only when
the server died amid a command, which may then have happened or not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from machines.queue.house import House, Log

FIRST_CONTACT_S, LEASE_S, CANCEL_S = 10.0, 60.0, 40.0
MAX_SPENT, MAX_ATTEMPTS = 2, 10


@dataclass
class Attempt:
    """One claim. ``base`` is when it was last heard of on the monotonic clock; None: not yet looked at."""

    number: int
    runner: str
    instance: str
    claim_id: str
    lease: str
    state: str = "live"
    contacted: bool = False
    base: float | None = None
    heard: bool = True
    texts: list[str] = field(default_factory=list)


@dataclass
class Job:
    """One job."""

    id: str
    card: str
    repo: str
    agent: str
    status: str = "queued"
    spent: int = 0
    cancel: bool = False
    cancel_base: float | None = None
    attempts: list[Attempt] = field(default_factory=list)
    log: Log = field(default_factory=list)

    @property
    def live(self) -> Attempt | None:
        return next((a for a in self.attempts if a.state == "live"), None)

    @property
    def is_open(self) -> bool:
        return self.status in ("queued", "running")

    def end(self, state: str, status: str) -> None:
        if self.live is not None:
            self.live.state = state
        self.status = status
        self.cancel_base = None


class Oracle:
    """Everything it was told."""

    def __init__(self, repos: list[str]) -> None:
        self.jobs: dict[str, Job] = {}
        self.lines: dict[str, list[str]] = {repo: [] for repo in repos}
        """The jobs of each repository's In Progress, from the top."""
        self.priority: dict[str, int] = {}
        self.started: dict[str, int] = {}
        self.moved: set[str] = set()
        self.wip: dict[str, int | None] = dict.fromkeys(repos)
        self.agent_limits: dict[str, int] = {}
        self.paused = False

    # Cards

    def start(self, job_id: str, card: str, repo: str, agent: str, priority: int) -> None:
        self.jobs[job_id] = Job(job_id, card, repo, agent)
        self.lines[repo].append(job_id)
        self.started[job_id] = len(self.started)
        self.priority[job_id] = priority

    def open_job(self, card: str) -> Job | None:
        return next((j for j in self.jobs.values() if j.card == card and j.is_open), None)

    def move(self, job_id: str, anchor: str, *, above: bool) -> None:
        line = self.lines[self.jobs[job_id].repo]
        line.remove(job_id)
        line.insert(line.index(anchor) + (0 if above else 1), job_id)
        self.moved.add(job_id)

    def ask_to_cancel(self, job: Job) -> None:
        if job.status == "queued":
            self.close(job, "cancelled")
        else:
            job.cancel = True

    def close(self, job: Job, status: str, *, state: str = "closed") -> None:
        job.end(state, status)
        self.lines[job.repo].remove(job.id)

    # The queue

    def queued(self) -> list[Job]:
        return [job for job in self.jobs.values() if job.status == "queued"]

    def running(self, **where: str) -> int:
        jobs = (j for j in self.jobs.values() if j.status == "running")
        return sum(all(getattr(j, k) == v for k, v in where.items()) for j in jobs)

    def is_repo_full(self, repo: str) -> bool:
        limit = self.wip[repo]
        return limit is not None and self.running(repo=repo) >= limit

    def is_agent_full(self, agent: str) -> bool:
        limit = self.agent_limits.get(agent)
        return limit is not None and self.running(agent=agent) >= limit

    def held_by(self, job: Job, offered: set[str]) -> str | None:
        if self.paused:
            return "paused"
        if job.agent not in offered:
            return "no_runner"
        if self.is_repo_full(job.repo):
            return "repo_limit"
        return "agent_limit" if self.is_agent_full(job.agent) else None

    def lane(self, job: Job, offered: set[str]) -> str:
        """What names the jobs that wait for the same thing."""
        if job.agent not in offered:
            return f"a runner for {job.agent}"
        if self.is_repo_full(job.repo):
            return f"room in {job.repo}"
        return f"room for {job.agent}" if self.is_agent_full(job.agent) else "a runner"

    def claimable(self, agents: set[str]) -> list[Job]:
        return [job for job in self.queued() if self.held_by(job, agents) is None]

    def is_before(self, one: Job, other: Job) -> bool:
        """Whether it was promised that ``one`` has its turn before ``other``."""
        if self.priority[one.id] != self.priority[other.id]:
            return self.priority[one.id] > self.priority[other.id]
        if one.repo == other.repo:
            line = self.lines[one.repo]
            return line.index(one.id) < line.index(other.id)
        if self.moved & {one.id, other.id}:
            return False  # among other repositories' cards a moved one may stand anywhere
        return self.started[one.id] < self.started[other.id]

    def next_may_be(self, job: Job, agents: set[str]) -> bool:
        candidates = self.claimable(agents)
        return job in candidates and not any(self.is_before(c, job) for c in candidates if c != job)

    # Leases

    def claim(self, job: Job, by: tuple[str, str], claim_id: str, lease: str, now: float) -> None:
        number = len(job.attempts) + 1
        job.attempts.append(Attempt(number, *by, claim_id, lease, base=now))
        job.status = "running"

    def by_claim(self, claim_id: str) -> tuple[Job, Attempt] | None:
        found = ((j, a) for j in self.jobs.values() for a in j.attempts if a.claim_id == claim_id)
        return next(found, None)

    def by_lease(self, lease: str) -> tuple[Job, Attempt]:
        return next((j, a) for j in self.jobs.values() for a in j.attempts if a.lease == lease)

    def hear(self, attempt: Attempt, now: float, *, contact: bool = True) -> None:
        attempt.base, attempt.heard = now, True
        attempt.contacted |= contact

    def forget_contacts(self) -> None:
        """Another server: it has heard of nobody."""
        for job in self.jobs.values():
            job.cancel_base = None
            for attempt in job.attempts:
                attempt.base, attempt.heard = None, False

    def give_full_periods(self, now: float) -> None:
        """A tick came late: nobody is punished for that."""
        for job in self.jobs.values():
            job.cancel_base = now if job.cancel_base is not None else None
            for attempt in job.attempts:
                attempt.base = now if attempt.base is not None else None

    def reap(self, now: float) -> None:
        """A tick in time: who is silent for too long loses the job."""
        live = [(job, job.live) for job in self.jobs.values() if job.live is not None]
        for job, attempt in live:
            attempt.base = now if attempt.base is None else attempt.base
            silent = now - attempt.base
            if not attempt.contacted and silent > FIRST_CONTACT_S:
                self.lose(job, spends=False)
            elif silent > LEASE_S:
                self.lose(job, spends=attempt.heard)
        for job, _ in live:
            if job.cancel and job.live is not None:
                job.cancel_base = now if job.cancel_base is None else job.cancel_base
                if now - job.cancel_base > CANCEL_S:
                    self.lose(job, spends=False)

    def lose(self, job: Job, *, spends: bool) -> None:
        if job.cancel:
            self.close(job, "cancelled", state="lost")
        elif job.spent + spends >= MAX_SPENT or len(job.attempts) >= MAX_ATTEMPTS:
            self.close(job, "failed", state="lost")
        else:
            job.log.append((len(job.attempts), None))
            job.spent += spends
            job.end("lost", "queued")

    # Logs

    def append(self, job: Job, attempt: Attempt, first: int, texts: list[str]) -> None:
        fresh = texts[len(attempt.texts) - first + 1 :]
        attempt.texts += fresh
        job.log += [(attempt.number, text) for text in fresh]

    # A server that died

    def adopt(self, house: House, may_have_spent: set[str]) -> None:
        """Take what the database says of what may have happened or not. ``may_have_spent``: jobs that the
        command which was cut off took from their runners."""
        for row in house.jobs.values():
            if row.id not in self.jobs:
                self.start(row.id, row.card_id, row.repo_id, row.agent, row.priority)
            job = self.jobs[row.id]
            assert row.spent in {job.spent, job.spent + (row.id in may_have_spent)}
            for attempt in house.attempts.get(row.id, []):
                self._adopt_attempt(job, attempt, house)
            if job.is_open and row.status not in ("queued", "running"):
                self.lines[job.repo].remove(job.id)
            job.status, job.spent, job.cancel = row.status, row.spent, row.cancel_requested
            log = house.logs[row.id]
            assert log[: len(job.log)] == job.log, "what was acknowledged is there"
            job.log = log

    def _adopt_attempt(self, job: Job, row: Any, house: House) -> None:
        by = house.runners[row.runner_id]
        if row.attempt > len(job.attempts):
            lease = house.lease(row)
            new = Attempt(row.attempt, by.name, by.instance_id, row.claim_id, lease, heard=False)
            job.attempts.append(new)
        attempt = job.attempts[row.attempt - 1]
        attempt.state, attempt.contacted = row.state, row.contacted
        if by.current_job_id == job.id:
            attempt.instance = by.instance_id
        attempt.texts = [t for n, t in house.logs[job.id] if n == row.attempt and t is not None]
