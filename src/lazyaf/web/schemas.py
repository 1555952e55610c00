"""The shapes of requests and answers, as OpenAPI documents them. The UI's types are made from these."""

from __future__ import annotations

import json
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from lazyaf.domain.cards import CardStatus
from lazyaf.domain.jobs import JobKind, JobStatus, StopReason
from lazyaf.domain.runners import Isolation, PoolKind, RunnerStatus
from lazyaf.protocol.entries import StoredEntry, Usage
from lazyaf.protocol.messages import AgentOffer, Comment

T = TypeVar("T")

Label = Annotated[
    str,
    StringConstraints(
        min_length=1, max_length=50, strip_whitespace=True, pattern=r"^[^\x00-\x1f\x7f]*$"
    ),
]
Sha = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")]
# No NUL or lone surrogate survives in a database, so none is let in.
Line = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*$")]
Prose = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]


OPTIONS_MAX = 64 * 1024
"""Bytes of an agent's options."""
BRACKETS_MAX = 200
"""Lists and objects in them: more than that is nesting without end."""


def _storable(value: dict[str, Any]) -> dict[str, Any]:
    """Refuse what no JSON column holds: not-a-number, lone surrogates, NUL, bulk."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        raise ValueError("holds something that cannot be stored") from None
    brackets = text.count(b"[") + text.count(b"{")
    if len(text) > OPTIONS_MAX or brackets > BRACKETS_MAX or b"\\u0000" in text:
        raise ValueError("is too large, too deep or holds a NUL character")
    return value


Options = Annotated[dict[str, Any], AfterValidator(_storable)]


class Model(BaseModel):
    """Base of requests: an unknown member is an error, so that a typo is never silent."""

    model_config = ConfigDict(extra="forbid")


class Page(BaseModel, Generic[T]):
    """A page of a list; ``next_cursor`` is null on the last one."""

    items: list[T]
    next_cursor: str | None = None


class Problem(BaseModel):
    """RFC 9457. ``code`` is stable; further members help to act."""

    model_config = ConfigDict(extra="allow")

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    allowed: list[str] | None = None
    files: list[str] | None = None
    fields: dict[str, str] | None = None


class Health(BaseModel):
    """Whether the server is up, and how to speak to it."""

    status: Literal["ok"] = "ok"
    version: str
    auth: Literal["token", "off"]
    epoch: str
    protocol: int


class RepoSettingsView(BaseModel):
    """A repository's effective settings; times in seconds."""

    agent: str
    branch_prefix: str
    wip_limit: int | None
    setup_command: str | None
    job_limit_s: float
    idle_limit_s: float
    setup_limit_s: float
    trusted: bool


class Repo(BaseModel):
    """A repository. ``settings_from_file`` names the settings that ``.lazyaf/config.toml`` decides."""

    id: str
    name: str
    remote_url: str | None
    default_branch: str
    is_ingested: bool
    internal_git_url: str
    settings: RepoSettingsView
    settings_from_file: list[str]
    config_error: str | None
    version: int
    created_at: str
    updated_at: str


class NewRepo(Model):
    """A repository to make. Its content comes with `lazyaf ingest`."""

    name: Line
    remote_url: Line | None = Field(None, max_length=2000)
    default_branch: Line = "main"


class RepoSettingsPatch(Model):
    """Settings to change; null goes back to the default. Times are seconds or like ``"60m"``."""

    agent: Line | None = Field(None, max_length=40)
    branch_prefix: Line | None = None
    wip_limit: int | None = Field(None, ge=1, le=1000)
    setup_command: Prose | None = None
    job_limit_s: float | Line | None = None
    idle_limit_s: float | Line | None = None
    setup_limit_s: float | Line | None = None
    trusted: bool | None = None


class RepoPatch(Model):
    """What to change of a repository."""

    name: Line = ""
    remote_url: Line | None = Field(None, max_length=2000)
    default_branch: Line = ""
    settings: RepoSettingsPatch = RepoSettingsPatch()


class CloneUrl(BaseModel):
    """How a person clones the internal repository."""

    url: str
    command: str


class Failure(BaseModel):
    """Why a card failed and what to do."""

    reason: StopReason
    detail: str
    hint: str


class Live(BaseModel):
    """The card's current or last job, as far as the board shows it."""

    job_id: str
    job_status: JobStatus
    phase: str | None
    last_action: str | None
    queued_at: str
    started_at: str | None
    completed_at: str | None
    queue_position: int | None
    attempt: int
    agent: str
    cost_usd: float | None
    additions: int | None
    deletions: int | None
    files: int | None
    mergeable: bool | None
    conflicts: list[str]


class CardSummary(BaseModel):
    """A card as lists and events show it."""

    id: str
    repo_id: str
    number: int
    title: str
    status: CardStatus
    position: float
    labels: list[str]
    priority: int
    agent: str | None
    base_branch: str | None
    branch_name: str | None
    head_sha: str | None
    merged_sha: str | None
    pr_url: str | None
    job_id: str | None
    failure: Failure | None
    no_changes: bool
    stopping: bool
    live: Live | None
    version: int
    created_at: str
    updated_at: str


class Card(CardSummary):
    """A card in full."""

    description: str
    agent_options: dict[str, Any]


class CardPage(BaseModel):
    """A page of cards; ``cursor`` is where to begin following the events after this snapshot."""

    items: list[CardSummary]
    next_cursor: str | None
    cursor: str


class CardFields(Model):
    """What a person can say of a card."""

    description: Prose = Field("", max_length=64 * 1024)
    labels: list[Label] = Field(default_factory=list, max_length=20)
    priority: int = Field(0, ge=0, le=4)
    agent: Line | None = Field(None, max_length=40)
    agent_options: Options = Field(default_factory=dict)
    base_branch: Line | None = Field(None, max_length=255)


class NewCard(CardFields):
    """A card to make; with ``start`` it is queued at once."""

    title: Line = Field(min_length=1, max_length=200)
    start: bool = False


class CardPatch(CardFields):
    """Fields to change; the status changes by commands only."""

    title: Line = Field("", max_length=200)
    pr_url: Line | None = Field(None, max_length=2000)


class StartRequest(Model):
    """``fresh`` begins anew at the base instead of continuing on the branch."""

    fresh: bool = False
    message: Prose = Field("", max_length=20_000)


class ApproveRequest(Model):
    """The commit that was seen; when the branch is elsewhere, approving is refused."""

    head_sha: Sha


class ChangesRequest(Model):
    """What the agent should do about its work."""

    message: Prose = Field("", max_length=20_000)
    comments: list[Comment] = Field(default_factory=list, max_length=500)


class MoveRequest(Model):
    """A drop: on another column it stands for a command, within one it says the neighbours."""

    status: CardStatus | None = None
    before: str | None = Field(None, description="The card that will be below.")
    after: str | None = Field(None, description="The card that will be above.")


class DiffHunk(BaseModel):
    """A run of lines; each is ``[" " | "+" | "-" | "\\\\", text]``."""

    header: str
    old_start: int
    old_lines: int
    new_start: int
    new_lines: int
    lines: list[tuple[str, str]]


class DiffFile(BaseModel):
    """A changed file. ``too_large``: ask for it alone with ``?path=``."""

    path: str
    old_path: str | None
    status: Literal["added", "modified", "deleted", "renamed", "copied", "type_changed"]
    additions: int
    deletions: int
    binary: bool
    old_mode: str | None
    new_mode: str | None
    too_large: bool
    hunks: list[DiffHunk]


class Diff(BaseModel):
    """A three-dot diff. ``base_sha`` is the merge base."""

    base_sha: str
    head_sha: str
    base_ref: str
    head_ref: str
    additions: int
    deletions: int
    files: list[DiffFile]
    mergeable: bool | None
    conflicts: list[str]


class BranchCard(BaseModel):
    """The card that a branch belongs to."""

    id: str
    number: int
    title: str
    status: CardStatus


class Branch(BaseModel):
    """A branch against the default one."""

    name: str
    sha: str
    ahead: int
    behind: int
    subject: str
    author: str
    committed_at: str
    is_default: bool
    is_merged: bool
    card: BranchCard | None


class Commit(BaseModel):
    """A commit of the graph; ``refs`` are the branches and tags that point at it."""

    sha: str
    parents: list[str]
    subject: str
    author_name: str
    author_email: str
    committed_at: str
    refs: list[str]


class LandRequest(Model):
    """What to push where; the repository's remote when none is named."""

    branch: Line = Field(min_length=1, max_length=255)
    remote_url: Line | None = Field(None, max_length=2000)


class Landed(BaseModel):
    """``pushed`` is false when the remote had it already."""

    branch: str
    sha: str
    remote_url: str
    pushed: bool


class JobRequest(BaseModel):
    """What was asked of this run beyond the card."""

    message: str = ""
    comments: list[Comment] = []
    fresh: bool = False


class Job(BaseModel):
    """One run of an agent. ``logs`` is where its log is read."""

    id: str
    repo_id: str
    card_id: str
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
    phase: str | None
    last_action: str | None
    log_seq: int
    logs: str
    version: int
    created_at: str
    started_at: str | None
    completed_at: str | None


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


class RunnerCard(BaseModel):
    """The card that a runner works on."""

    id: str
    number: int
    repo_id: str
    title: str


class Runner(BaseModel):
    """A runner as the panel shows it."""

    id: str
    name: str
    pool: PoolKind
    status: RunnerStatus
    isolation: Isolation
    version: str
    agents: list[AgentOffer]
    labels: list[str]
    container_id: str | None
    current_job_id: str | None
    current_card: RunnerCard | None
    last_heartbeat: str
    created_at: str
    version_number: int


class PoolView(BaseModel):
    """A pool: how many runners are asked for, or why there can be none and what to do."""

    kind: PoolKind
    target: int
    available: bool
    reason: str | None
    fix: str | None
    isolation: Isolation
    max_count: int


class RunnerList(BaseModel):
    """Every runner and pool. ``warning`` says why no job is given out at the moment."""

    items: list[Runner]
    pools: list[PoolView]
    warning: str | None
    cursor: str


class ScaleRequest(Model):
    """How many runners a pool shall have."""

    pool: PoolKind = PoolKind.PROCESS
    count: int = Field(ge=0, le=64)


class RunnerCommand(BaseModel):
    """Commands that start a runner elsewhere, with placeholders and never a secret."""

    docker: str
    plain: str
    needs: list[str]


class TokenRequest(Model):
    """A name to know the token by."""

    name: Line = Field(min_length=1, max_length=100)


class Token(BaseModel):
    """A token without its text."""

    id: str
    kind: Literal["person", "runner"]
    name: str
    created_at: str
    last_used_at: str | None = None


class NewToken(BaseModel):
    """A fresh token; its text is never shown again."""

    id: str
    kind: Literal["person", "runner"]
    name: str
    created_at: str
    token: str


class AgentStatus(BaseModel):
    """Whether an agent can run on this machine; if not, why and what to do."""

    name: str
    title: str
    available: bool
    version: str | None
    reason: str | None
    fix: str | None


class AgentList(BaseModel):
    """Every agent that LazyAF can drive."""

    items: list[AgentStatus]


class Identity(Model):
    """A name and address for commits."""

    name: Line = Field("", max_length=100)
    email: Line = Field("", max_length=200)


class Settings(BaseModel):
    """The server's own settings."""

    agent: str
    claims_paused: bool
    person: Identity
    committer: Identity
    version: str
    data_dir: str
    database: str
    auth: Literal["token", "off"]


class SettingsPatch(Model):
    """Settings to change."""

    agent: Line = Field("", max_length=40)
    claims_paused: bool = False
    person: Identity = Identity()
    committer: Identity = Identity()


class DemoMade(BaseModel):
    """The sample repository and the card that was started in it."""

    repo_id: str
    repo_name: str
    card_id: str
    card_number: int


class CodeRequest(Model):
    """A one-time code from the link that `lazyaf open` opened."""

    code: str = Field(max_length=200)


class Code(BaseModel):
    """A one-time code and the link that carries it in its fragment."""

    code: str
    url: str


class BrowserToken(BaseModel):
    """The token that the browser keeps."""

    token: str
