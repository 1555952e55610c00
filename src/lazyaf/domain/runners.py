"""The runner: a process somewhere that works one job at a time."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

MISSED_BEATS: Final = 3
"""A runner is offline once it has missed so many signs of life."""


class RunnerStatus(StrEnum):
    """What a runner is doing, as the server knows it."""

    IDLE = "idle"
    BUSY = "busy"
    DRAINING = "draining"
    OFFLINE = "offline"


class Isolation(StrEnum):
    """What stands between the agent and the machine."""

    CONTAINER = "container"
    BUBBLEWRAP = "bubblewrap"
    NONE = "none"


class RunnerEnd(StrEnum):
    """How a runner ended that its pool knows to be gone. Only the first two spend an attempt of its job:
    what a person, the server or the engine ended was not the job's doing."""

    DIED = "died"
    OUT_OF_MEMORY = "out_of_memory"
    SENT_AWAY = "sent_away"
    WITH_SERVER = "with_server"
    WITH_ENGINE = "with_engine"


class PoolKind(StrEnum):
    """Where runners come from. ``external`` ones were started by a person."""

    PROCESS = "process"
    DOCKER = "docker"
    EXTERNAL = "external"
