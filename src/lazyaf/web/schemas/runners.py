"""Runners and the pools they come from."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field

from lazyaf.domain.containers import CPUS_MAX, DISK_MIN_MB, MEMORY_MIN_MB, PIDS_MIN, is_image
from lazyaf.domain.runners import Isolation, PoolKind, RunnerStatus
from lazyaf.protocol.messages import AgentOffer
from lazyaf.web.schemas.base import Model


def _image(text: str) -> str:
    if not is_image(text):
        raise ValueError("say the name of an image, like lazyaf-runner:latest")
    return text


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
    image: str | None = Field(
        None, description="The image of a repository that it is in: it takes only the jobs of that."
    )
    current_job_id: str | None
    current_card: RunnerCard | None
    last_heartbeat: str
    created_at: str
    version_number: int


class Containers(BaseModel):
    """Of what a pool's containers are made, and how much each may use."""

    image: str
    memory_mb: int
    cpus: float
    pids: int
    disk_mb: int


class PoolView(BaseModel):
    """A pool: how many runners are asked for, or why there can be none and what to do."""

    kind: PoolKind
    target: int
    available: bool
    reason: str | None
    fix: str | None
    isolation: Isolation
    max_count: int
    server_id: str | None = Field(
        None, description="By which a container engine tells this server's things: a label's value."
    )
    containers: Containers | None = Field(
        None, description="Those made from now on; null when the pool has none."
    )
    default_containers: Containers | None = Field(
        None, description="What the server's settings say, which counts where nothing was chosen."
    )


class RunnerList(BaseModel):
    """Every runner and pool. ``warning`` says why no job is given out at the moment."""

    items: list[Runner]
    pools: list[PoolView]
    warning: str | None
    cursor: str


class ScaleRequest(Model):
    """How many runners a pool shall have."""

    pool: PoolKind | None = Field(
        None, description="Which; the server's only one need not be named."
    )
    count: int = Field(ge=0, le=64)
    now: bool = Field(
        False,
        description="Do not wait for the jobs of runners that are too many: they save what they have "
        "and the jobs go back to the queue.",
    )


class PoolPatch(Model):
    """What to choose for a pool's containers; null is the server's default again."""

    image: Annotated[str, AfterValidator(_image)] | None = None
    memory_mb: int | None = Field(None, ge=MEMORY_MIN_MB, le=16_000_000)
    cpus: float | None = Field(None, ge=0.01, le=CPUS_MAX)
    pids: int | None = Field(None, ge=PIDS_MIN, le=4_000_000)
    disk_mb: int | None = Field(None, ge=DISK_MIN_MB, le=16_000_000)


class RunnerCommand(BaseModel):
    """Commands that start a runner elsewhere, with placeholders and never a secret."""

    docker: str
    plain: str
    needs: list[str]
