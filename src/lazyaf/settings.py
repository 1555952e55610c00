"""Every setting of the program: an environment variable ``LAZYAF_<NAME>`` each, or an option of
`lazyaf serve`. docs/reference/settings.md lists them; a test keeps it complete.
"""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from lazyaf.data_dir import default_data_dir
from lazyaf.domain.containers import CPUS_MAX, DISK_MIN_MB, MEMORY_MIN_MB, PIDS_MIN

LOOPBACK = ("127.0.0.1", "localhost", "::1")
RANGE_MAX_PREFIX = 24
"""Sixteen networks: one outside, and a slot's each."""
ANYWHERE = ("0.0.0.0", "::")  # noqa: S104 - names of every address; nothing is bound here


class Settings(BaseSettings):
    """The settings, read from the environment once, at start."""

    model_config = SettingsConfigDict(env_prefix="LAZYAF_", extra="ignore")

    data_dir: Path = Field(
        default_factory=default_data_dir,
        description="Database, git storage, tokens and the runners' work; kept at mode 0700.",
    )
    work_dir: Path | None = Field(
        None, description="Caches and work trees of local runners, if not in the data directory."
    )
    host: str = Field("127.0.0.1", description="The address to listen on.")
    port: int = Field(8765, ge=0, le=65535, description="The port; 0 takes a free one.")
    auth: Literal["token", "off"] = Field(
        "token",
        description="`off` lets anyone on this machine in; for loopback only, with a banner.",
    )
    database_url: str | None = Field(
        None, description="`postgresql://…`; without it SQLite in the data directory."
    )
    pool: Literal["process", "docker", "none"] = Field(
        "process",
        description="Where runners come from: local processes, containers, or only external ones.",
    )
    runners: int = Field(
        2, ge=0, le=64, description="Runners of the pool, until the UI is asked for another number."
    )
    docker_host: str | None = Field(
        None, description="Where the container engine is; otherwise what DOCKER_HOST says."
    )
    runner_image: str = Field(
        "lazyaf-runner:latest", description="The image of runners in containers."
    )
    egress_image: str = Field(
        "lazyaf-egress:latest", description="The image of the relay and of the egress proxy."
    )
    runner_bind: str | None = Field(
        None,
        pattern=r"^(\d+\.){3}\d+(:\d+)?$",
        description="IPv4 address and port at which containers reach the server; otherwise the gateway "
        "of a bridge that the pool makes, port 8766.",
    )
    runner_subnets: str = Field(
        "198.18.0.0/15", description="The range of addresses for the networks of containers."
    )
    runner_memory_mb: int = Field(
        4096, ge=MEMORY_MIN_MB, description="Megabytes of memory per container."
    )
    runner_cpus: float = Field(2, gt=0, le=CPUS_MAX, description="Processors per container.")
    runner_pids: int = Field(1024, ge=PIDS_MIN, description="Processes and threads per container.")
    runner_disk_mb: int = Field(
        2048,
        ge=DISK_MIN_MB,
        description="Megabytes of a container's work tree, which is in its memory.",
    )
    runner_cache_mb: int = Field(
        50,
        ge=0,
        description="Megabytes in git from which on a repository's jobs run in containers with a cache of "
        "it; 0: never.",
    )
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="More host names to answer to, separated by commas."
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Origins of other sites that may call the API, separated by commas."
    )
    public_url: str | None = Field(
        None, description="The URL that people see, when a proxy stands before the server."
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Addresses of proxies whose X-Forwarded headers count, by commas."
    )
    password_file: Path | None = Field(
        None, description="A file with the password, which is set from it at start."
    )
    session_days: float = Field(
        30, gt=0, le=3650, description="Days that a browser which is not used stays signed in."
    )
    isolation: Literal["auto", "bubblewrap", "none"] = Field(
        "auto",
        description="What local runners put around agents; `auto` is bubblewrap if it works.",
    )
    heartbeat: float = Field(10, gt=0, description="Seconds between a runner's signs of life.")
    lease: float = Field(60, gt=0, description="Seconds that a silent runner keeps its job.")
    long_poll: float = Field(25, gt=0, description="Seconds that a runner's question may wait.")
    first_contact: float = Field(
        10, gt=0, description="Seconds within which a runner must use a job that it was given."
    )
    cancel_grace: float = Field(10, gt=0, description="Seconds between SIGTERM and SIGKILL.")
    checkpoint: float = Field(60, gt=0, description="Seconds between checkpoints of changed work.")
    runner_grace: float = Field(
        60, gt=0, description="Seconds that a local runner outlives an absent server."
    )
    keep_logs_days: float = Field(
        0, ge=0, le=36_500, description="Days that logs of finished jobs are kept; 0: for ever."
    )
    drain: bool = Field(
        False, description="Told to end, wait until running jobs are over; told twice, do not."
    )
    disk_reserve_mb: int = Field(
        500, ge=0, description="Megabytes that stay free: below them no job is given out."
    )
    push_max_mb: int = Field(
        2_000, gt=0, description="Megabytes that the pack of one push may have."
    )
    repo_max_mb: int = Field(
        20_000, ge=0, description="Megabytes that a repository may take; 0 is without a limit."
    )
    attachment_max_mb: int = Field(
        10,
        ge=0,
        le=60,
        description="Megabytes of a file attached to a card; 0: none can be attached.",
    )
    attachments_max: int = Field(20, ge=0, le=1000, description="Files attached to one card.")
    attachments_max_mb: int = Field(
        50, ge=0, description="Megabytes of all files attached to one card."
    )
    packs: int = Field(
        0, ge=0, description="Clones, and pushes, that run at once; 0 is one per processor."
    )
    packs_waiting: int = Field(
        100, ge=0, description="How many more may wait for their turn before others are sent away."
    )
    upkeep: float = Field(
        300, ge=0, description="Seconds between looks for repositories to tidy up; 0 is never."
    )
    follow_pulls: float = Field(
        60,
        ge=0,
        description="Seconds after which an open pull request is asked for again, at least; 0 is never.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="How much the server says on stderr."
    )

    @property
    def own_hosts(self) -> tuple[str, ...]:
        """The names at which people reach the server by its other settings."""
        public = urlsplit(self.public_url).hostname if self.public_url else None
        return tuple(name for name in (self.host, public) if name not in (None, *ANYWHERE))

    @property
    def database_path(self) -> Path:
        """The SQLite file."""
        return self.data_dir / "lazyaf.db"

    @property
    def agents_dir(self) -> Path:
        """Caches and work trees of the local runners; the agents' disk."""
        return self.work_dir or self.data_dir / "work"

    @property
    def disk_folders(self) -> tuple[Path, ...]:
        """What may be on disks of their own: the database, git storage, the agents."""
        return (self.data_dir, self.data_dir / "git", self.agents_dir)

    def absolute(self) -> Settings:
        """The same with directories that mean the same everywhere."""
        folders = {"data_dir": self.data_dir, "work_dir": self.work_dir}
        return self.model_copy(
            update={name: path and path.expanduser().absolute() for name, path in folders.items()}
        )

    @field_validator("public_url")
    @classmethod
    def _origin(cls, value: str | None) -> str | None:
        if not value:
            return None
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
            raise ValueError("say scheme and host and no path, like https://lazyaf.example.com")
        return f"{parts.scheme}://{parts.netloc.lower()}"

    @field_validator("runner_subnets")
    @classmethod
    def _range(cls, value: str) -> str:
        try:
            if IPv4Network(value).prefixlen <= RANGE_MAX_PREFIX:
                return value
        except ValueError:
            pass
        raise ValueError(
            f"say a range of IPv4 addresses, a /{RANGE_MAX_PREFIX} or larger, like 10.77.0.0/16"
        )

    @field_validator("allowed_hosts", "cors_origins", "trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value
