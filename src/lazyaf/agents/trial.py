"""Asks an agent's model for one word: whether the program, its key and the API work together.

Called when a person asks, on the server's machine, in an empty directory and without tools. Nothing of a card
or a repository is in it, and nothing is kept.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import tempfile
import time
import uuid
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lazyaf.agents.base import Agent, AgentRun, Conversation, Launch, Stream
from lazyaf.domain.errors import LazyafError
from lazyaf.domain.jobs import StopReason

PROMPT: Final = "Reply with the single word: ok"
PATIENCE_S: Final = 60.0
GONE_S: Final = 5.0
LINE_MAX: Final = 4 * 1024**2
DETAIL_MAX: Final = 1_000


@dataclass(frozen=True, slots=True)
class Trial:
    """How it went: ``detail`` says it in a sentence, ``fix`` what to do where that is not in it."""

    ok: bool
    detail: str
    fix: str | None = None


async def try_agent(agent: Agent, host_env: Mapping[str, str]) -> Trial:
    """Start the agent as a job would, and let it say one word. Never raises for what is wrong with it."""
    offer = await asyncio.to_thread(agent.offer, host_env)
    if not offer.available:
        return Trial(False, offer.reason or "It is not available here.", offer.fix)
    with tempfile.TemporaryDirectory(prefix="lazyaf-trial-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        run = AgentRun(PROMPT, home, home, None, str(uuid.uuid4()), {}, host_env, {})
        try:
            launch = await asyncio.to_thread(agent.trial, run)
        except LazyafError as error:
            return Trial(False, error.detail)
        if launch is None:
            return Trial(True, f"{agent.title} asks no model, so there is nothing else to try.")
        return await _tried(agent, run, launch)


async def _tried(agent: Agent, run: AgentRun, launch: Launch) -> Trial:
    conversation = agent.converse(run)
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        *launch.argv,
        env=dict(launch.env),
        cwd=run.worktree,
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        limit=LINE_MAX,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(PATIENCE_S):
            await _converse(process, conversation, launch.stdin)
    except TimeoutError:
        return Trial(
            False,
            f"{agent.title} did not answer within {PATIENCE_S:g} s.",
            "Check that this machine reaches the model's API, and ANTHROPIC_BASE_URL if that is set.",
        )
    finally:
        await _end(process)
    outcome = conversation.outcome(process.returncode)
    if outcome.stop_reason in (StopReason.FINISHED, StopReason.NO_CHANGES):
        return Trial(True, f"{agent.title} answered in {time.monotonic() - began:.1f} s.")
    return Trial(False, _without(launch.secrets, outcome.error or "It failed without a reason."))


async def _converse(process: Process, conversation: Conversation, said: bytes) -> None:
    """Until it has answered, or left."""
    if process.stdin is not None:
        with contextlib.suppress(ConnectionError):
            process.stdin.write(said)
            await process.stdin.drain()
    complaints = asyncio.create_task(_read(process.stderr, conversation, "stderr"))
    await _read(process.stdout, conversation, "stdout")
    if not conversation.is_over:
        await complaints
        await process.wait()
    complaints.cancel()
    await asyncio.gather(complaints, return_exceptions=True)


async def _read(
    reader: asyncio.StreamReader | None, conversation: Conversation, stream: Stream
) -> None:
    if reader is None:
        return
    with contextlib.suppress(ValueError):  # a line beyond any use
        async for line in reader:
            conversation.feed(line.decode("utf-8", "replace"), stream)
            if conversation.is_over:
                return


async def _end(process: Process) -> None:
    """With whatever it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), GONE_S)


def _without(secrets: tuple[str, ...], text: str) -> str:
    for secret in secrets:
        text = text.replace(secret, "***")
    return text[:DETAIL_MAX]
