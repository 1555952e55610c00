"""Testing Claude Code from the settings: one word, asked of the real CLI against the scripted model."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from contract.agents.conftest import KEY
from fakes.model_server import ModelServer
from lazyaf.agents.claude import ClaudeAgent
from lazyaf.agents.claude.driver import find_program
from lazyaf.agents.registry import get
from lazyaf.agents.trial import PROMPT, Trial, try_agent
from support.tools import untestable


def environ(model: ModelServer, scenario: str) -> dict[str, str]:
    if find_program(os.environ) is None:
        untestable("Claude Code is not installed (the claude extra)")
    return {
        "PATH": os.environ["PATH"],
        "ANTHROPIC_BASE_URL": model.url(scenario),
        "ANTHROPIC_API_KEY": KEY,
    }


async def ask(model: ModelServer, scenario: str) -> Trial:
    return await try_agent(ClaudeAgent(), environ(model, scenario))


async def test_one_word_is_asked_without_tools_and_the_key_is_in_no_argument(
    model: ModelServer,
) -> None:
    trial = await ask(model, "no-changes")
    assert trial.ok, trial.detail
    assert trial.detail.startswith("Claude Code answered in ")
    asked = [
        seen
        for seen in model.requests
        if PROMPT in str(seen.body["messages"]) and seen.scenario == "no-changes"
    ]
    assert len(asked) == 1
    assert not asked[0].body.get("tools")


@pytest.mark.parametrize(
    ("scenario", "words"),
    [
        ("unauthorized", "The API key was refused (401). Check ANTHROPIC_API_KEY"),
        ("server-error", "internal error (500)"),
    ],
)
async def test_what_is_wrong_is_said_with_what_to_do(
    model: ModelServer, scenario: str, words: str
) -> None:
    trial = await ask(model, scenario)
    assert not trial.ok
    assert words in trial.detail
    assert KEY not in trial.detail


async def test_what_is_missing_is_not_started(tmp_path: Path) -> None:
    trial = await try_agent(ClaudeAgent(), {"PATH": str(tmp_path), "LAZYAF_CLAUDE_BIN": "nothing"})
    assert (trial.ok, trial.detail) == (
        False,
        "LAZYAF_CLAUDE_BIN names nothing, which is no program.",
    )
    assert trial.fix is not None


async def test_a_script_asks_no_model() -> None:
    trial = await try_agent(get("script"), dict(os.environ))
    assert trial.ok
    assert "asks no model" in trial.detail
