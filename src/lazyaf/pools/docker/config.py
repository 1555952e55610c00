"""What the pool is told when it is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lazyaf.domain.containers import Containers

MAX_COUNT: Final = 64
RELAY_PORT: Final = 8765
"""Where the relay listens for runners."""
PROXY_PORT: Final = 3128
"""Where the egress proxy listens for agents."""
SERVER_NAME: Final = "lazyaf"
PROXY_NAME: Final = "egress"


@dataclass(frozen=True, slots=True)
class DockerPoolConfig:
    """How containers are made.

    ``server_id`` tells this server's things in the engine from another's. ``docker_host`` None is what
    the environment or the current context says. ``containers`` is what counts
    until a person chooses otherwise. ``bind`` is where runners are listened to, as host
    and port; a host of None is the gateway of the pool's own ordinary bridge. ``subnets`` is the range
    that the pool cuts its networks from. ``promised`` are names of variables whose values the server
    gives with a job.
    """

    server_id: str
    containers: Containers
    egress_image: str
    docker_host: str | None
    bind_host: str | None
    bind_port: int
    subnets: str
    version: str
    promised: Sequence[str] = ()
