"""What the real CLI does in one go, and what is made of it: work, refusals, deaths, trust."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import signal
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fakes.model_server import ModelServer
from lazyaf.agents.claude.driver import REFUSED_TOOLS
from lazyaf.agents.registry import get
from lazyaf.domain.jobs import StopReason
from lazyaf.protocol.entries import EntryKind

pytestmark = pytest.mark.claude

Drive = Callable[..., Any]
Log = Callable[[], list[str]]


def test_the_real_program_is_offered(drive: Drive) -> None:
    offer = get("claude").offer(drive("no-changes").run.host_env)

    assert offer.available
    assert "Claude Code" in (offer.version or "")


async def test_edits_and_commits(drive: Drive, log: Log, repo: Path) -> None:
    async with drive("edit-and-commit") as agent:
        outcome = await agent.end()

    assert outcome.stop_reason is StopReason.FINISHED
    assert outcome.session == agent.run.new_session
    assert log() == ["Do card 7", "Begin"]
    calls = [(e.name, e.text) for e in agent.entries if e.kind is EntryKind.TOOL_CALL]
    assert calls == [
        ("Bash", "git status --short; ls"),
        ("Write", "card-7.txt"),
        ("Edit", "card-7.txt"),
        ("Bash", "cat card-7.txt"),
        ("Bash", "git add -A && git commit -m 'Do card 7'"),
    ]
    patches = [e.detail for e in agent.entries if e.detail and "patch" in e.detail]
    assert [(p["path"], p["additions"], p["deletions"]) for p in patches] == [
        ("card-7.txt", 1, 0),
        ("card-7.txt", 1, 1),
    ]
    assert agent.texts(EntryKind.MESSAGE)[-1] == "Done: the file is committed."
    assert outcome.usage.input_tokens == 600
    assert outcome.usage.turns == 6
    assert not any(e.kind is EntryKind.RAW for e in agent.entries)


async def test_the_shell_sees_no_token_of_lazyaf(drive: Drive) -> None:
    prompt = '```json\n{"commands": ["env | sort"]}\n```'
    async with drive("commands", prompt) as agent:
        await agent.end()

    environment = next(e.text for e in agent.entries if e.kind is EntryKind.TOOL_RESULT)
    assert "CARD_NUMBER=7" in environment
    assert "never-to-be-seen" not in environment
    assert f"HOME={agent.run.home}" in environment


async def test_tools_that_leave_the_run_are_not_offered(drive: Drive, model: ModelServer) -> None:
    url = model.url("no-changes")
    async with drive("no-changes", url=url) as agent:
        await agent.end()

    asked = model.requests_of(url)[0]
    offered = {tool["name"] for tool in asked.body["tools"]}
    assert {"Bash", "Edit", "Write", "Read"} <= offered
    for tool in REFUSED_TOOLS:  # some are not offered but told of, for the model to load
        assert tool not in offered
        assert f"\n{tool}\n" not in asked.said
    assert "run_in_background" not in json.dumps(asked.body["tools"])


async def test_denied_tools_are_a_failure_although_the_cli_says_success(
    drive: Drive, log: Log
) -> None:
    agent = drive("edit-and-commit")
    argv = tuple(a for a in agent.launch.argv if a != "--dangerously-skip-permissions")
    agent.launch = dataclasses.replace(agent.launch, argv=argv)
    async with agent:
        outcome = await agent.end()

    assert agent.process.returncode == 0
    assert outcome.stop_reason is StopReason.AGENT_FAILED
    assert "denied the agent its tools: Bash, Write" in outcome.error
    assert log() == ["Begin"]


async def test_a_refused_key_is_named(drive: Drive) -> None:
    async with drive("unauthorized") as agent:
        outcome = await agent.end()

    assert outcome.stop_reason is StopReason.AGENT_FAILED
    assert outcome.error.startswith("The API key was refused (401). Check ANTHROPIC_API_KEY")


async def test_overloads_are_told_and_survived(drive: Drive, log: Log) -> None:
    async with drive("overloaded-then-fine") as agent:
        outcome = await agent.end()

    assert outcome.stop_reason is StopReason.FINISHED
    assert log() == ["Do card 7", "Begin"]
    retries = [e.text for e in agent.entries if e.name == "api_retry"]
    assert [text[:54] for text in retries] == [
        "The API did not answer (overloaded, 529). Retry 1 of 2",
        "The API did not answer (overloaded, 529). Retry 2 of 2",
    ]


@pytest.mark.parametrize(
    ("scenario", "reason"),
    [("rate-limited", "rate limit was reached (429)"), ("overloaded", "overloaded (529)")],
)
async def test_an_api_that_keeps_failing_is_named(drive: Drive, scenario: str, reason: str) -> None:
    async with drive(scenario) as agent:
        outcome = await agent.end()

    assert outcome.stop_reason is StopReason.AGENT_FAILED
    assert reason in outcome.error


async def test_running_out_of_turns_is_a_budget(drive: Drive) -> None:
    async with drive("edit-and-commit", options={"max_turns": 2}) as agent:
        outcome = await agent.end()

    assert outcome.stop_reason is StopReason.BUDGET_EXCEEDED
    assert "maximum number of turns (2)" in outcome.error


async def test_running_out_of_money_still_counts_it(drive: Drive) -> None:
    async with drive("edit-and-commit", options={"max_budget_usd": 0.0001}) as agent:
        outcome = await agent.end()

    assert outcome.stop_reason is StopReason.BUDGET_EXCEEDED
    assert outcome.usage.input_tokens == 100
    assert outcome.usage.cost_usd > 0


async def test_sigterm_leaves_no_result(drive: Drive) -> None:
    async with drive("slow-tool") as agent:
        await agent.until_called("Bash")
        agent.process.send_signal(signal.SIGTERM)
        outcome = await agent.end()

    assert agent.process.returncode == 143
    assert outcome.stop_reason is StopReason.AGENT_FAILED
    assert "SIGTERM" in outcome.error
    assert outcome.session == agent.run.new_session


async def test_a_crash_is_told_with_its_signal(drive: Drive) -> None:
    async with drive("crash") as agent:
        outcome = await agent.end()

    assert outcome.stop_reason is StopReason.AGENT_FAILED
    assert outcome.error.startswith("Claude Code was ended by SIGKILL without a result.")


async def test_a_hanging_model_can_be_killed(drive: Drive, model: ModelServer) -> None:
    gate = str(uuid.uuid4())
    async with drive("hang", f'```json\n{{"gate": "{gate}"}}\n```') as agent:
        await asyncio.to_thread(model.wait_until_waiting, gate)
        agent.process.kill()
        outcome = await agent.end()

    assert not agent.conversation.is_over
    assert outcome.stop_reason is StopReason.AGENT_FAILED


@pytest.mark.parametrize("trusted", [False, True])
async def test_the_repositorys_own_code_runs_only_when_trusted(
    drive: Drive, repo: Path, tmp_path: Path, trusted: bool
) -> None:
    ran, served = tmp_path / "hook-ran", tmp_path / "server-ran"
    hook = {"hooks": [{"type": "command", "command": f"touch {ran}"}]}
    (repo / ".claude").mkdir()
    (repo / ".claude/settings.json").write_text(
        json.dumps({"hooks": {"SessionStart": [hook], "Stop": [hook]}})
    )
    server = {"command": "sh", "args": ["-c", f"touch {served}"]}
    (repo / ".mcp.json").write_text(json.dumps({"mcpServers": {"mine": server}}))

    async with drive("no-changes", trusted=trusted) as agent:
        outcome = await agent.end()

    assert outcome.stop_reason is StopReason.FINISHED
    assert ran.exists() is trusted
    assert served.exists() is trusted


@pytest.mark.parametrize("trusted", [False, True])
async def test_the_repositorys_instructions(
    drive: Drive, repo: Path, model: ModelServer, trusted: bool
) -> None:
    (repo / "CLAUDE.md").write_text("Always speak of marmots.\n")
    url = model.url("no-changes")
    async with drive("no-changes", url=url, trusted=trusted) as agent:
        await agent.end()

    assert ("marmots" in json.dumps(model.requests_of(url)[0].body)) is trusted


async def test_a_prompt_that_begins_with_a_slash_reaches_the_model(
    drive: Drive, model: ModelServer
) -> None:
    url = model.url("no-changes")
    async with drive("no-changes", "/usage is what the card is about", url=url) as agent:
        await agent.end()

    assert model.requests_of(url)[0].prompts == ["/usage is what the card is about"]


async def test_a_connection_that_is_always_cut_is_a_failure(drive: Drive) -> None:
    async with drive("cut") as agent:
        outcome = await agent.end()

    assert outcome.stop_reason is StopReason.AGENT_FAILED
    assert "Connection dropped" in outcome.error
