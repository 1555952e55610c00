"""Runs the real Claude Code CLI in a throwaway home and repository against the fake model.

`Driven` is the smallest runner there is: it starts what `launch` says, pumps lines into the
conversation and closes stdin when it is over. With ``LAZYAF_RECORD_STREAMS=<directory>`` each test
also leaves what the CLI printed there, scrubbed: so tests/unit/agents/recorded is made.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fakes.model_server import WAIT_S, ModelServer
from lazyaf.agents.base import Agent, AgentRun, Launch, Outcome
from lazyaf.agents.claude.driver import find_program
from lazyaf.agents.registry import get
from lazyaf.protocol.entries import Entry, EntryKind
from support.tools import untestable

KEY = "sk-ant-test-0123456789"
INIT_KEPT = {
    "type",
    "subtype",
    "cwd",
    "session_id",
    "tools",
    "model",
    "permissionMode",
    "claude_code_version",
    "capabilities",
}
LINE_LIMIT = 16 * 1024 * 1024


class Driven:
    """A running agent. ``async with`` starts it and makes sure that it is gone."""

    def __init__(self, agent: Agent, run: AgentRun) -> None:
        self.run = run
        self.launch: Launch = agent.launch(run)
        self.conversation = agent.converse(run)
        self.entries: list[Entry] = []
        self.lines: list[str] = []
        self._news = asyncio.Condition()

    async def __aenter__(self) -> Driven:
        self.process = await asyncio.create_subprocess_exec(
            *self.launch.argv,
            cwd=self.run.worktree,
            env=dict(self.launch.env),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=LINE_LIMIT,
        )
        await self.say(self.launch.stdin)
        self._pumps = [asyncio.create_task(self._pump("stdout"))]
        self._pumps += [asyncio.create_task(self._pump("stderr"))]
        return self

    async def __aexit__(self, *exc: object) -> None:
        (self.run.worktree / "go").touch()  # ends the loop of a shell that outlived its agent
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()
        await asyncio.gather(*self._pumps)

    async def _pump(self, name: str) -> None:
        stream = getattr(self.process, name)
        while line := (await stream.readline()).decode():
            async with self._news:
                if name == "stdout":
                    self.lines.append(line)
                self.entries += self.conversation.feed(line, name)  # type: ignore[arg-type]
                self._news.notify_all()
            if self.conversation.is_over:
                self.process.stdin.close()  # type: ignore[union-attr]

    async def say(self, data: bytes | None) -> None:
        """Write to the agent's stdin."""
        assert data is not None
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        await self.process.stdin.drain()

    async def until(self, condition: Callable[[list[Entry]], bool]) -> None:
        """Wait until the entries fulfil a condition."""
        async with asyncio.timeout(WAIT_S), self._news:
            await self._news.wait_for(lambda: condition(self.entries))

    async def until_called(self, tool: str) -> None:
        """Wait until the agent has called this tool."""
        await self.until(
            lambda entries: any(e.kind is EntryKind.TOOL_CALL and e.name == tool for e in entries)
        )

    async def until_queued(self) -> None:
        """Wait until the CLI has read a message from its stdin."""
        await self.until(lambda _: any('"state":"queued"' in line for line in self.lines))

    async def end(self) -> Outcome:
        """Wait for the end and judge."""
        async with asyncio.timeout(WAIT_S):
            await asyncio.gather(*self._pumps)
            outcome = self.conversation.outcome(await self.process.wait())
        if folder := os.environ.get("LAZYAF_RECORD_STREAMS"):
            name = os.environ["PYTEST_CURRENT_TEST"].split("::")[1].split(" ")[0]
            text = "".join(scrubbed(line) for line in self.lines)
            text = text.replace(str(self.run.worktree.parent), "/sandbox")
            (Path(folder) / f"{name.removeprefix('test_')}.jsonl").write_text(text)
        return outcome

    def texts(self, kind: EntryKind) -> list[str]:
        """The texts of all entries of a kind."""
        return [entry.text for entry in self.entries if entry.kind is kind]


def scrubbed(line: str) -> str:
    """A line of the CLI without what changes from run to run or only fills space."""
    event = json.loads(line)
    event = {key: value for key, value in event.items() if key not in {"uuid", "timestamp"}}
    if event.get("subtype") == "init":
        event = {key: value for key, value in event.items() if key in INIT_KEPT}
    return json.dumps(event) + "\n"


@pytest.fixture(scope="session")
def model() -> Iterator[ModelServer]:
    """One fake model for all tests."""
    with ModelServer() as server:
        yield server


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repository with one commit on ``main``."""
    path = tmp_path / "repo"
    path.mkdir()
    (path / "README.md").write_text("# Demo\n")
    for command in (
        ["init", "-q", "-b", "main", "."],
        ["config", "user.name", "Test"],
        ["config", "user.email", "test@localhost"],
        ["add", "-A"],
        ["commit", "-q", "-m", "Begin"],
    ):
        git(path, *command)
    return path


def git(path: Path, *arguments: str) -> str:
    """What git says, with no configuration but the repository's own."""
    env = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(["git", *arguments], cwd=path, env=env, capture_output=True, check=True)
    return done.stdout.decode().strip()


@pytest.fixture
def log(repo: Path) -> Callable[[], list[str]]:
    """The subjects of the commits, newest first."""
    return lambda: git(repo, "log", "--format=%s").splitlines()


@pytest.fixture
def drive(model: ModelServer, repo: Path, tmp_path: Path) -> Callable[..., Driven]:
    """``drive("edit-and-commit")``: a run of the CLI in this scenario, not started yet."""
    if find_program(os.environ) is None:
        untestable("Claude Code is not installed (the claude extra)")
    home = tmp_path / "home"
    home.mkdir()

    def make(scenario: str, prompt: str = "# Card #7: Say hello", **changes: Any) -> Driven:
        host_env = {
            "PATH": os.environ["PATH"],
            "ANTHROPIC_API_KEY": KEY,
            "ANTHROPIC_BASE_URL": changes.pop("url", None) or model.url(scenario),
            "LAZYAF_AGENT_ENV": "CLAUDE_CODE_MAX_RETRIES",
            "CLAUDE_CODE_MAX_RETRIES": "2",
            "LAZYAF_RUNNER_TOKEN": "never-to-be-seen",
        }
        run = AgentRun(
            prompt=prompt,
            worktree=repo,
            home=home,
            session=changes.pop("session", None),
            new_session=str(uuid.uuid4()),
            options=changes.pop("options", {}),
            host_env=host_env,
            card_env={"CARD_NUMBER": "7", "BRANCH_NAME": "main"},
            **changes,
        )
        return Driven(get("claude"), run)

    return make
