"""The runner: a process somewhere that works one job at a time."""

from __future__ import annotations

from enum import StrEnum


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


class PoolKind(StrEnum):
    """Where runners come from. ``external`` ones were started by a person."""

    PROCESS = "process"
    DOCKER = "docker"
    EXTERNAL = "external"
