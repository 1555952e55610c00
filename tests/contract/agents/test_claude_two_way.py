"""Speaking with the real CLI: interrupts, messages while it works, resumed sessions."""

from __future__ import annotations

import asyncio
import shutil
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from contract.agents.conftest import Driven
from fakes.model_server import ModelServer
from lazyaf.agents.registry import get
from lazyaf.domain.jobs import StopReason
from lazyaf.protocol.entries import EntryKind

pytestmark = pytest.mark.claude

Drive = Callable[..., Any]
Log = Callable[[], list[str]]


async def test_an_interrupted_tool_waits_for_the_next_message(drive: Drive) -> None:
    async with drive("slow-tool") as agent:
        await agent.until_called("Bash")
        await agent.say(agent.conversation.interrupt())
        await agent.until(lambda entries: any(e.kind is EntryKind.USAGE for e in entries))
        assert not agent.conversation.is_over
        await agent.say(agent.conversation.message("Never mind, stop here."))
        outcome = await agent.end()

    assert outcome.stop_reason is StopReason.FINISHED
    assert "Interrupted. The agent waits for a message." in agent.texts(EntryKind.SYSTEM)
    assert outcome.usage.input_tokens == 200


async def test_an_interrupted_sentence_waits_for_the_next_message(
    drive: Drive, model: ModelServer
) -> None:
    gate = str(uuid.uuid4())
    prompt = f'# Card #8: Think\n\n```json\n{{"gate": "{gate}"}}\n```'
    async with drive("slow", prompt) as agent:
        await asyncio.to_thread(model.wait_until_waiting, gate)
        await agent.say(agent.conversation.interrupt())
        await agent.until(lambda entries: any(e.kind is EntryKind.USAGE for e in entries))
        model.release(gate)
        await agent.say(agent.conversation.message('```json\n{"scenario": "no-changes"}\n```'))
        outcome = await agent.end()

    assert outcome.stop_reason is StopReason.FINISHED
    assert agent.texts(EntryKind.MESSAGE)[-1] == "Nothing needs to change."


async def test_a_message_while_a_tool_runs_is_folded_in(
    drive: Drive, model: ModelServer, repo: Path
) -> None:
    url = model.url("slow-tool")
    async with drive("slow-tool", url=url) as agent:
        await agent.until_called("Bash")
        await agent.say(agent.conversation.message("/usage and mind the tests too"))
        await agent.until_queued()
        assert agent.conversation.waiting == 1
        (repo / "go").touch()
        outcome = await agent.end()

    assert outcome.stop_reason is StopReason.FINISHED
    assert agent.conversation.is_over
    assert agent.conversation.waiting == 0
    assert "mind the tests too" in model.requests_of(url)[-1].said


async def test_a_message_while_it_speaks_is_answered_before_it_is_over(
    drive: Drive, model: ModelServer, log: Log
) -> None:
    gate, url = str(uuid.uuid4()), model.url("slow")
    prompt = f'# Card #9: Think\n\n```json\n{{"gate": "{gate}"}}\n```'
    async with drive("slow", prompt, url=url) as agent:
        await asyncio.to_thread(model.wait_until_waiting, gate)
        await agent.say(agent.conversation.message("Mind the tests too."))
        await agent.until_queued()
        model.release(gate)
        outcome = await agent.end()

    assert outcome.stop_reason is StopReason.FINISHED
    assert log() == ["Do card 9", "Begin"]
    assert "Mind the tests too." in model.requests_of(url)[-1].said


async def test_a_resumed_session_remembers_and_counts_only_itself(
    drive: Drive, log: Log, model: ModelServer
) -> None:
    async with drive("edit-and-commit") as first:
        before = await first.end()
    url = model.url("edit-and-commit")
    async with drive("", "## What to do now", session=before.session, url=url) as second:
        after = await second.end()

    assert after.session == before.session
    assert log() == ["Answer the review", "Do card 7", "Begin"]
    assert len(model.requests_of(url)[0].prompts) == 2
    assert after.usage.input_tokens == 300
    assert after.usage.cost_usd == pytest.approx(before.usage.cost_usd / 2)
    assert any(e.detail and e.detail.get("path") == "card-7.txt" for e in second.entries)


async def test_a_session_that_is_gone_is_named(drive: Drive) -> None:
    async with drive("no-changes", session=str(uuid.uuid4())) as agent:
        outcome = await agent.end()

    assert outcome.stop_reason is StopReason.AGENT_FAILED
    assert "earlier session is not here any more" in outcome.error
    assert outcome.session_refused


@pytest.mark.parametrize("folder", ["named by the driver", "any other"])
async def test_the_transcript_is_all_that_another_machine_needs(
    drive: Drive, model: ModelServer, repo: Path, tmp_path: Path, folder: str
) -> None:
    async with drive("delegate", "What is there?") as first:
        before = await first.end()
    driver, (home, tree) = get("claude"), (tmp_path / "other home", tmp_path / "other tree")
    place = driver.session_file(before.session, repo)
    left = first.run.home.joinpath(*place.parent, place.folder)
    assert {path.name for path in left.iterdir()} >= {place.name, before.session}
    shutil.copytree(repo, tree)
    there = driver.session_file(before.session, tree)
    into = home.joinpath(*there.parent, there.folder if folder != "any other" else folder)
    into.mkdir(parents=True)
    shutil.copy(left / place.name, into)

    url = model.url("no-changes")
    run = drive("", "And now?", session=before.session, url=url).run
    async with Driven(driver, replace(run, home=home, worktree=tree)) as second:
        after = await second.end()

    assert after.stop_reason is StopReason.FINISHED
    assert after.session == before.session
    asked = model.requests_of(url)[0]
    assert asked.prompts == ["What is there?", "And now?"]
    assert "I looked around." in str(asked.results)
    assert f"Primary working directory: {tree} (was {repo})" in asked.said
    (found,) = home.glob(".claude/projects/*/*.jsonl")
    assert found.parent == into


async def test_a_transcript_that_was_cut_and_masked_is_gone_on_with(
    drive: Drive, model: ModelServer
) -> None:
    async with drive("edit-and-commit") as first:
        before = await first.end()
    (transcript,) = first.run.home.glob(".claude/projects/*/*.jsonl")
    text = transcript.read_text().replace("git status --short", "[redacted]")
    transcript.write_text("".join(text.splitlines(keepends=True)[:-3]))

    url = model.url("no-changes")
    async with drive("", "And now?", session=before.session, url=url) as second:
        after = await second.end()

    assert after.stop_reason is StopReason.FINISHED
    asked = model.requests_of(url)[0]
    assert len(asked.prompts) == 2
    assert "[redacted]; ls" in str(asked.dialogue)
