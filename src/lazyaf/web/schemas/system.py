"""The server itself: its health, agents, settings and demo."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from lazyaf.domain.leftovers import LeftoverKind
from lazyaf.web.schemas.attachments import AttachmentLimits
from lazyaf.web.schemas.base import Line, Model


class Health(BaseModel):
    """Whether the server is up, and how to speak to it. ``has_password``: one can sign in with it."""

    status: Literal["ok"] = "ok"
    version: str
    auth: Literal["token", "off"]
    has_password: bool
    epoch: str
    protocol: int


class AgentStatus(BaseModel):
    """Whether an agent can run on this machine; if not, why and what to do."""

    name: str
    title: str
    available: bool
    version: str | None
    reason: str | None
    fix: str | None


class AgentTrial(BaseModel):
    """How asking an agent's model for one word went, and what to do where ``detail`` does not say it."""

    ok: bool
    detail: str
    fix: str | None


class AgentList(BaseModel):
    """Every agent that LazyAF can drive."""

    items: list[AgentStatus]


class Identity(Model):
    """A name and address for commits."""

    name: Line = Field("", max_length=100)
    email: Line = Field("", max_length=200)


class Settings(BaseModel):
    """The server's own settings. ``agent_limits``: how many jobs of an agent run at once, for agents
    that have a limit."""

    agent: str
    claims_paused: bool
    agent_limits: dict[str, int]
    person: Identity
    committer: Identity
    version: str
    data_dir: str
    database: str
    auth: Literal["token", "off"]
    attachments: AttachmentLimits


class SettingsPatch(Model):
    """Settings to change."""

    agent: Line = Field("", max_length=40)
    claims_paused: bool = False
    agent_limits: dict[
        Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,40}$")],
        Annotated[int, Field(ge=1, le=1000)],
    ] = Field(default_factory=dict, max_length=50)
    person: Identity = Identity()
    committer: Identity = Identity()


class DemoMade(BaseModel):
    """The sample repository and the card that was started in it."""

    repo_id: str
    repo_name: str
    card_id: str
    card_number: int


class DiskView(BaseModel):
    """A disk, by those of LazyAF's directories that are on it; ``is_low``: less than the reserve is
    free. Sizes are in bytes."""

    folders: list[str]
    total: int
    free: int
    is_low: bool


class DatabaseUse(BaseModel):
    """Bytes of the database without its write-ahead log, of that one, of what is free in it for new
    rows, of the logs of jobs in it, and of the copies that migrations kept."""

    total: int
    wal: int
    reusable: int
    logs: int
    copies: int


class RepositoryUse(BaseModel):
    """Bytes of a repository's objects; without a name it is on no board."""

    id: str
    name: str | None
    bytes: int


class WorkUse(BaseModel):
    """Bytes that the local runners take."""

    trees: int
    homes: int
    caches: int
    spares: int


class DiskUse(BaseModel):
    """What LazyAF takes of the disks; ``warning`` says why no job is given out, if none is."""

    measured_at: str
    disks: list[DiskView]
    reserve: int
    warning: str | None
    database: DatabaseUse
    repositories: list[RepositoryUse]
    attachments: int
    work: WorkUse


class CollectRequest(Model):
    """With ``dry_run`` nothing is removed."""

    dry_run: bool = False


class LeftoverView(BaseModel):
    """What was found in a place, ``count`` of a kind; ``why`` says why it may go, or, if it ``stays``,
    why not. ``bytes`` is 0 where that is not known."""

    kind: LeftoverKind
    place: str
    why: str
    count: int
    bytes: int
    stays: bool


class Collected(BaseModel):
    """What was found; gone now, unless it was a dry run."""

    dry_run: bool
    items: list[LeftoverView]
