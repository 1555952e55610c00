"""The agents that this version can drive, by the name that a card bears."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from lazyaf.agents.base import Agent
from lazyaf.agents.claude import ClaudeAgent
from lazyaf.agents.script import ScriptAgent
from lazyaf.domain.errors import Invalid
from lazyaf.protocol.messages import AgentOffer

AGENTS: Final[Mapping[str, Agent]] = {agent.name: agent for agent in (ClaudeAgent(), ScriptAgent())}


def get(name: str) -> Agent:
    """The driver of this name, or `Invalid` that lists the known ones."""
    try:
        return AGENTS[name]
    except KeyError:
        known = ", ".join(sorted(AGENTS))
        raise Invalid.field("agent", f"There is no agent “{name}”. Known: {known}.") from None


def offers(host_env: Mapping[str, str]) -> list[AgentOffer]:
    """What can run here and what is missing. Blocking: it may run ``--version``."""
    return [agent.offer(host_env) for agent in AGENTS.values()]
