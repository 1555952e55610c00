"""Checks: what a repository names, and the runs of them."""

from __future__ import annotations

from pydantic import BaseModel, Field

from lazyaf.domain.checks import NAME_MAX, TIMEOUT_S, CheckOutcome, ChecksState
from lazyaf.web.schemas.base import Line, Model, Prose


class CheckView(BaseModel):
    """A check: a shell command that passes when it ends with 0 within ``timeout_s`` seconds."""

    name: str
    run: str
    timeout_s: float


class NewCheck(Model):
    """A check to have."""

    name: Line = Field(min_length=1, max_length=NAME_MAX)
    run: Prose = Field(min_length=1, max_length=10_000)
    timeout_s: float = TIMEOUT_S


class CheckResultView(BaseModel):
    """How one check ended; ``last_lines`` of what it printed."""

    name: str
    outcome: CheckOutcome
    exit_code: int | None
    seconds: float
    last_lines: str


class CheckRun(BaseModel):
    """A run of the checks on what merges ``head_sha`` into ``base_sha``; ``logs`` is a link. ``together`` are the
    numbers of the other cards that it tries with this one. One of the default branch itself has no card, and
    both are its tip."""

    job_id: str
    card_id: str | None
    base_sha: str
    head_sha: str
    together: list[int]
    state: ChecksState
    checks: list[CheckView]
    results: list[CheckResultView]
    error: str | None
    logs: str
    created_at: str
    started_at: str | None
    completed_at: str | None


class RedCard(BaseModel):
    """The card that was opened for a red default branch."""

    id: str
    number: int
    repo_id: str
    title: str


class DefaultChecks(BaseModel):
    """How the checks of a default branch stand at its tip ``sha``. ``state`` is null while no run has seen
    that commit; ``job_id`` is the run that tells of it, also one of a card that made it. From ``red_since``
    on the branch is red, until a run passes; ``failed`` are names."""

    branch: str
    sha: str
    state: ChecksState | None
    job_id: str | None
    total: int
    passed: int
    failed: list[str]
    red_since: str | None
    card: RedCard | None
