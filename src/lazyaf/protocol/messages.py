"""The bodies of the runner protocol, one request and answer after the other."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from lazyaf.domain.checks import CHECKS_MAX, NAME_MAX, CheckOutcome
from lazyaf.domain.comments import BODY_MAX, Side
from lazyaf.domain.jobs import JobKind, StopReason
from lazyaf.domain.runners import Isolation, PoolKind
from lazyaf.protocol.entries import EntryFields, Usage

Sha = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$|^[0-9a-f]{64}$")]
NAME_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
"""Of a runner's name."""
Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]
SessionId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$")]


class Message(BaseModel):
    """Base of every body: unknown members are an error, so that a typo is never silent."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class AgentOffer(Message):
    """An agent that a runner can run, or why it cannot."""

    name: str = Field(max_length=40)
    available: bool = True
    version: str | None = Field(None, max_length=200)
    reason: str | None = Field(None, max_length=1000)
    fix: str | None = Field(None, max_length=1000)


class RegisterRequest(Message):
    """Says who the runner is. Repeating it with the same ``instance_id`` is harmless."""

    name: Name
    instance_id: str = Field(min_length=8, max_length=64)
    version: str = Field(max_length=64)
    protocol: int
    labels: list[Annotated[str, Field(max_length=100)]] = Field(default_factory=list, max_length=50)
    agents: list[AgentOffer] = Field(default_factory=list, max_length=50)
    isolation: Isolation = Isolation.NONE
    pool: PoolKind = PoolKind.EXTERNAL
    container_id: str | None = Field(None, max_length=100)
    image: str | None = Field(
        None,
        max_length=255,
        description="The image that a repository names and that this runner is in: it gets no other jobs.",
    )
    repo_id: str | None = Field(
        None,
        max_length=36,
        description="The repository whose objects this runner has brought along: it gets no other jobs.",
    )
    current_job_id: str | None = Field(None, max_length=36)
    replaces: str | None = Field(
        None,
        min_length=8,
        max_length=64,
        description="The instance whose state directory this one holds: that process is dead.",
    )


class RegisterResponse(Message):
    """The server dictates the rhythm."""

    runner_id: str
    heartbeat_s: float
    lease_s: float
    grace_s: float = Field(description="How long to go on without the server before leaving.")


class ClaimRequest(Message):
    """Asks for a job. A repeat with the same ``claim_id`` returns the same job and lease."""

    instance_id: str = Field(min_length=8, max_length=64)
    claim_id: str = Field(min_length=8, max_length=64)
    wait: float = Field(25, ge=0, le=60)


class RepoAccess(Message):
    """How to reach the repository for this one attempt."""

    id: str
    name: str
    clone_url: str = Field(description="Path on the server, ``/git/<id>.git``.")
    username: str
    password: str


class Resume(Message):
    """Where an earlier attempt or round stopped."""

    head: Sha | None = Field(None, description="The commit to start the branch from.")
    checkpoint: Sha | None = Field(
        None, description="Uncommitted work to lay over it, as a commit."
    )
    session: str | None = Field(None, description="The agent's session id, when it can resume.")


class Limits(Message):
    """Seconds, each with its own stop reason."""

    job_s: float = 3600
    idle_s: float = 600
    setup_s: float = 600
    cancel_grace_s: float = 10
    checkpoint_s: float = 60


class Comment(Message):
    """A review comment for the agent, who answers it by its ``number``. ``line`` is its last line,
    ``start_line`` its first when there are several; on the side ``old`` they are lines that were removed."""

    number: int | None = Field(None, ge=1)
    path: str = Field(max_length=4096)
    side: Side = Side.NEW
    start_line: int | None = Field(None, ge=1)
    line: int | None = Field(None, ge=1)
    body: str = Field(max_length=BODY_MAX)


class Task(Message):
    """What the agent is asked; the runner makes the prompt of it (and reads the README itself)."""

    card_id: str
    number: int
    title: str
    description: str = ""
    message: str = Field("", description="What a person asked for on top, in this round.")
    comments: list[Comment] = Field(default_factory=list)


NO_TASK: Final = Task(card_id="", number=0, title="")
"""Of a job that has no card: checks of the default branch."""


class CheckTask(Message):
    """One check: a shell command that passes when it ends with 0 in time."""

    name: str = Field(max_length=NAME_MAX)
    run: str
    timeout_s: float


class CheckReport(Message):
    """How one check ended."""

    name: str = Field(max_length=NAME_MAX)
    outcome: CheckOutcome
    exit_code: int | None = None
    seconds: float = Field(0, ge=0)
    last_lines: str = Field("", max_length=10_000, description="Of what it printed, redacted.")


class JobAttachment(Message):
    """A file that is attached to the card, to be fetched from
    ``GET …/jobs/<job>/attachments/<id>`` with the lease. Its name is one part of a path, and no other of
    the job's is the same."""

    id: str
    name: str
    media_type: str
    size: int
    sha256: str


class Job(Message):
    """A claimed job, everything that a runner needs and nothing else.

    One of kind ``check`` has no agent: it runs ``checks`` on the commit ``base_sha``, in a tree and a HOME
    that nobody else has used, and pushes nothing.
    """

    job_id: str
    kind: JobKind = JobKind.AGENT
    checks: list[CheckTask] = Field(default_factory=list)
    attempt: int
    lease: str
    repo: RepoAccess
    base: str = Field(description="Name of the branch to merge into, e.g. ``main``.")
    base_sha: Sha
    branch: str
    branch_sha: Sha | None = Field(
        None, description="Where the branch stands; None when it is new."
    )
    push_prefix: str = Field(description="``refs/lazyaf/jobs/<job>/<attempt>/``: write only there.")
    resume: Resume = Resume()
    agent: str
    agent_options: dict[str, object] = Field(default_factory=dict)
    task: Task
    attachments: list[JobAttachment] = Field(
        default_factory=list, description="For the agent; checks have none."
    )
    limits: Limits = Limits()
    setup: str | None = None
    prompt_template: str | None = Field(
        None, description="The repository's ``.lazyaf/prompt.md`` at the default branch's tip."
    )
    trusted: bool = Field(False, description="The repository's own hooks and MCP servers may run.")
    env: dict[str, str] = Field(default_factory=dict)
    setup_env: dict[str, str] = Field(
        default_factory=dict,
        repr=False,
        description="For the setup command and the checks, never for the agent: the repository's secrets.",
    )
    agent_env: dict[str, str] = Field(
        default_factory=dict,
        repr=False,
        description="For the agent's process alone, never for setup: what a container is not given "
        "otherwise, such as the model's key.",
    )
    committer_name: str = "LazyAF"
    committer_email: str = "lazyaf@localhost"
    ended: Literal["lost", "closed"] | None = Field(
        None,
        description="The attempt of this claim ended while its runner was away: nothing is to be "
        "worked. After ``lost`` what is left of it is pushed as an orphan.",
    )


class LogRequest(Message):
    """A batch of entries, the first numbered ``src_seq``."""

    src_seq: int = Field(ge=1)
    entries: list[EntryFields] = Field(min_length=1, max_length=5000)


class LogResponse(Message):
    """``stored`` is the last ``src_seq`` the server holds; send from ``stored + 1``."""

    stored: int


class Command(Message):
    """Something for the running job."""

    id: int
    type: Literal["cancel", "message", "interrupt", "drain"]
    text: str | None = None


class ControlResponse(Message):
    """Commands after the number asked for, oldest first; empty when the wait ran out."""

    commands: list[Command]


class CheckpointRequest(Message):
    """After the push: ``<prefix>head`` is at ``head_sha``, ``<prefix>checkpoint`` at ``sha``."""

    head_sha: Sha
    sha: Sha | None = Field(
        None, description="A commit of the uncommitted work, when there is any."
    )
    session: str | None = Field(None, max_length=200)
    notes: list[Annotated[str, Field(max_length=500)]] = Field(default_factory=list, max_length=100)
    additions: int = Field(0, ge=0)
    deletions: int = Field(0, ge=0)
    files: int = Field(0, ge=0)


class SessionRequest(Message):
    """After the push: ``<prefix>session`` is at ``sha``, which holds the agent's conversation."""

    session: SessionId
    sha: Sha


class SessionResponse(Message):
    """What the server keeps of the session that this job goes on with; both or neither."""

    session: str | None = None
    sha: Sha | None = None


class FinishRequest(Message):
    """The end of an attempt. ``head_sha`` must be pushed and ``last_seq`` stored before."""

    stop_reason: StopReason
    head_sha: Sha | None = None
    last_seq: int = Field(0, ge=0)
    usage: Usage | None = None
    session: str | None = Field(None, max_length=200)
    error: str | None = Field(None, max_length=10_000)
    heard: int = Field(0, ge=0, description="Commands up to this number were dealt with.")
    checks: list[CheckReport] = Field(default_factory=list, max_length=CHECKS_MAX)


class FinishResponse(Message):
    """How the server closed the job."""

    status: str


class HeartbeatRequest(Message):
    """An idle or draining runner says that it lives."""

    instance_id: str = Field(min_length=8, max_length=64)
    draining: bool = False


class HeartbeatResponse(Message):
    """What the server wants of the runner itself."""

    drain: bool = False


Ids = Annotated[list[Annotated[str, Field(max_length=128)]], Field(max_length=10_000)]


class LeftoversRequest(Message):
    """A runner asks about what lies about on its disk: cards and repositories by their ids, attempts as
    ``<job>/<attempt>``, and commits by their repository."""

    cards: Ids = []
    repos: Ids = []
    attempts: Ids = []
    commits: dict[str, Annotated[list[Sha], Field(max_length=1000)]] = Field(
        default_factory=dict, max_length=1000
    )


class LeftoversResponse(Message):
    """Those of them that are known to be ``deleted`` (cards, repositories), to be ``at_work`` (cards with
    an open job), ``live`` (attempts), or ``reached`` by some ref of the repository (commits). What is not
    named may be unknown here: of another server, or from after a backup that was restored."""

    deleted: list[str] = []
    at_work: list[str] = []
    live: list[str] = []
    reached: list[Sha] = []
