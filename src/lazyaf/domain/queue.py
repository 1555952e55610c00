"""The queue: in which order jobs have their turn, and what holds one back.

A job's turn comes by priority, then position (the smallest first, as its card's column shows it). What
is held is passed over, so that nobody waits behind it. Checks stand in a line of their own, which goes before
that of the agents' jobs: whoever runs an agent runs them, and no limit holds them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from lazyaf.domain.checks import CHECKS


class HeldBy(StrEnum):
    """Why a queued job would not be given out, even to a free runner. Closed."""

    PAUSED = "paused"
    """A person paused giving out jobs."""
    DISK = "disk"
    """The server's disk has less room than its reserve."""
    IMAGE = "image"
    """The image that its repository names is being pulled, or looked at for the first time."""
    NO_RUNNER = "no_runner"
    """No connected runner that takes jobs can run this agent; for checks, any agent."""
    REPO_LIMIT = "repo_limit"
    """As many jobs of its repository run as may."""
    AGENT_LIMIT = "agent_limit"
    """As many jobs of its agent run as may."""


@dataclass(frozen=True, slots=True)
class Lane:
    """Jobs that wait for the same thing: those of these agents, outside the repositories ``without``,
    or in ``repo_id`` alone."""

    agents: frozenset[str]
    without: frozenset[str] = frozenset()
    repo_id: str | None = None


@dataclass(frozen=True, slots=True)
class Holds:
    """What holds jobs back at a moment. ``offered`` are the agents that connected runners can run,
    ``preparing`` the repositories whose image is not ready yet."""

    is_paused: bool = False
    is_disk_low: bool = False
    offered: frozenset[str] = frozenset()
    full_repos: frozenset[str] = frozenset()
    full_agents: frozenset[str] = frozenset()
    preparing: frozenset[str] = frozenset()

    @property
    def is_shut(self) -> bool:
        """Whether no job at all is given out."""
        return self.is_paused or self.is_disk_low

    def over(self, repo_id: str, agent: str) -> HeldBy | None:
        """What holds a job of this repository and agent, the widest reason first."""
        if self.is_paused:
            return HeldBy.PAUSED
        if self.is_disk_low:
            return HeldBy.DISK
        if repo_id in self.preparing:
            return HeldBy.IMAGE
        if agent == CHECKS:
            return None if self.offered else HeldBy.NO_RUNNER
        if agent not in self.offered:
            return HeldBy.NO_RUNNER
        if repo_id in self.full_repos:
            return HeldBy.REPO_LIMIT
        return HeldBy.AGENT_LIMIT if agent in self.full_agents else None

    def lane(self, repo_id: str, agent: str) -> Lane:
        """The jobs among which one of this repository and agent has its place. Those that something
        else holds are not before it, wherever they stand."""
        if repo_id in self.preparing:
            line = {agent} if agent == CHECKS else self.offered | {agent}
            return Lane(frozenset(line), repo_id=repo_id)
        if agent not in self.offered:  # as nobody offers checks
            return Lane(frozenset({agent}), without=self.preparing)
        if repo_id in self.full_repos:
            return Lane(self.offered, repo_id=repo_id)
        if agent in self.full_agents:
            return Lane(frozenset({agent}), without=self.full_repos | self.preparing)
        return Lane(self.offered - self.full_agents, without=self.full_repos | self.preparing)
