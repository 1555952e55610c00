"""Jobs and their logs."""

from pydantic import BaseModel, Field

from lazyaf.domain.jobs import JobKind, JobStatus, StopReason
from lazyaf.protocol.entries import StoredEntry, Usage
from lazyaf.protocol.messages import Comment
from lazyaf.web.schemas.base import Model, Prose


class JobRequest(BaseModel):
    """What was asked of this run beyond the card."""

    message: str = ""
    comments: list[Comment] = []
    fresh: bool = False


class Job(BaseModel):
    """One run of an agent or of checks. ``logs`` is where its log is read. Checks of the default branch have
    no card."""

    # By this OpenAPI tells it from the protocol's Job; annotations must not wait to be looked up there.
    __module__ = "lazyaf.web.schemas"

    id: str
    repo_id: str
    card_id: str | None
    kind: JobKind
    status: JobStatus
    agent: str
    attempt: int
    runner_id: str | None
    runner_name: str | None
    request: JobRequest
    cancel_requested: bool
    base_sha: str | None
    head_sha: str | None
    session_id: str | None
    stop_reason: StopReason | None
    error: str | None
    usage: Usage | None
    blocked_hosts: dict[str, int] = Field(
        description="Hosts that a job in a container did not reach, and how often."
    )
    phase: str | None
    last_action: str | None
    log_seq: int
    logs: str
    version: int
    created_at: str
    started_at: str | None
    completed_at: str | None


class Cancelled(BaseModel):
    """How many jobs were told to stop."""

    cancelled: int


class LogPage(BaseModel):
    """A page of a log. ``next_after`` continues it; ``is_final``: the job is over, nothing follows
    ``last_seq``."""

    items: list[StoredEntry]
    next_after: int
    last_seq: int
    is_final: bool


class MessageRequest(Model):
    """What to say to the running agent."""

    text: Prose = Field(min_length=1, max_length=20_000)
