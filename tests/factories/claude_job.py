"""Jobs for the real Claude Code before a scripted model."""

from __future__ import annotations

import json
from typing import Any

from factories.runner_rig import HOST_ENV, Rig
from lazyaf.protocol.messages import Job, Limits, Task

KEY = "sk-ant-test-0123456789"


def env_for(url: str) -> dict[str, str]:
    """A runner's environment in which the agent has a key for this model."""
    return {**HOST_ENV, "ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": url}


def subscription(url: str) -> dict[str, str]:
    """The same with a subscription's token."""
    return {**HOST_ENV, "CLAUDE_CODE_OAUTH_TOKEN": KEY, "ANTHROPIC_BASE_URL": url}


def claude_job(rig: Rig, params: dict[str, Any] | None = None, **changes: Any) -> Job:
    """A job for it; the parameters are for the scenario."""
    description = f"```json\n{json.dumps(params or {})}\n```"
    settings: dict[str, Any] = {
        "agent": "claude",
        "agent_options": {},
        "task": Task(card_id="card-1", number=7, title="Make it", description=description),
        "limits": Limits(checkpoint_s=3600, cancel_grace_s=5),
    }
    return rig.job("", **{**settings, **changes})
