"""What the pool is told when it is made, and the limits that a person may change later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

MAX_COUNT: Final = 64
RUNNER_PORT: Final = 8765
"""Where the relay listens for runners."""
PROXY_PORT: Final = 3128
"""Where the egress proxy listens for agents."""
SERVER_NAME: Final = "lazyaf"
PROXY_NAME: Final = "egress"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one container may use: megabytes of memory, processors, processes and megabytes of files.

    The files of a warm runner are in memory (tmpfs) and count as such.
    """

    memory_mb: int = 4096
    cpus: float = 2.0
    pids: int = 1024
    disk_mb: int = 2048


@dataclass(frozen=True, slots=True)
class DockerPoolConfig:
    """How containers are made.

    ``server_id`` tells this server's things in the engine from another's. ``docker_host`` None is what
    the environment or the current context says. ``bind`` is where runners are listened to, as host
    and port; a host of None is the gateway of the pool's own ordinary bridge. ``subnets`` is the range
    that the pool cuts its networks from. ``promised`` are names of variables whose values the server
    gives with a job.
    """

    server_id: str
    image: str
    egress_image: str
    docker_host: str | None
    bind_host: str | None
    bind_port: int
    subnets: str
    version: str
    promised: Sequence[str] = ()
