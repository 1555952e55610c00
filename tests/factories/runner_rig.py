"""A runner in the test's own process in front of a scripted server, and jobs for it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from fakes.runner_server import RunnerServer
from fakes.runner_state import REPO, TOKEN, Ledger
from lazyaf.git import command
from lazyaf.protocol.messages import Job, Limits, RepoAccess, Task
from lazyaf.runner.client import ServerClient
from lazyaf.runner.config import RunnerConfig
from lazyaf.runner.loop import Loop
from lazyaf.runner.sandbox import Sandbox
from lazyaf.runner.state import State

RUNNER = """
import asyncio, sys
from pathlib import Path
from lazyaf.runner.config import RunnerConfig, take_token
from lazyaf.runner.process import run
url, root = sys.argv[1], Path(sys.argv[2])
sys.exit(asyncio.run(run(RunnerConfig(
    server=url, token=take_token(None), name="local-1", once=True,
    state_dir=root / "state", work_dir=root / "work", hide=(root / "store",),
))))
"""


HOST_ENV = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}


class Rig:
    """What a test has in its hands."""

    def __init__(self, server: RunnerServer, root: Path, sandbox: Sandbox, base: str) -> None:
        self.server = server
        self.root = root
        self.sandbox = sandbox
        self.base = base
        self.work_dir = root / "work"

    def config(self, **changes: Any) -> RunnerConfig:
        settings: dict[str, Any] = {
            "server": self.server.url,
            "token": TOKEN,
            "name": "local-1",
            "state_dir": self.root / "state",
            "work_dir": self.work_dir,
            "once": True,
            "hide": (self.root / "store",),
            "host_env": HOST_ENV,
        }
        return RunnerConfig(**{**settings, **changes})

    def job(self, command_line: str, **changes: Any) -> Job:
        """A job for the script agent."""
        job_id = changes.pop("job_id", str(uuid.uuid4()))
        attempt = changes.pop("attempt", 1)
        settings: dict[str, Any] = {
            "job_id": job_id,
            "attempt": attempt,
            "lease": uuid.uuid4().hex,
            "repo": RepoAccess(
                id=REPO,
                name="demo",
                clone_url=f"/git/{REPO}.git",
                username="lazyaf",
                password=uuid.uuid4().hex,
            ),
            "base": "main",
            "base_sha": self.base,
            "branch": "lazyaf/1-demo",
            "push_prefix": f"refs/lazyaf/jobs/{job_id}/{attempt}/",
            "agent": "script",
            "agent_options": {"command": command_line},
            "task": Task(card_id="card-1", number=1, title="Demo card", description="Do it."),
            "limits": Limits(checkpoint_s=3600, cancel_grace_s=5),
        }
        return Job.model_validate({**settings, **changes})

    @contextlib.asynccontextmanager
    async def loop(self, **changes: Any) -> AsyncIterator[Loop]:
        """A runner's loop, not yet running."""
        config = self.config(**changes)
        for directory in (config.cache_dir, config.trees_dir, config.homes_dir):
            directory.mkdir(parents=True, exist_ok=True)
        state = State(config.state_dir)
        async with ServerClient(config) as client:
            yield Loop(config, client, self.sandbox, state)

    async def work(self, job: Job, **changes: Any) -> Ledger:
        """Let a runner do one job to its end."""
        ledger = await self.server.queue(job)
        async with self.loop(**changes) as loop, asyncio.timeout(60):
            await loop.run()
        return ledger

    @contextlib.asynccontextmanager
    async def working(
        self, job: Job, *, ends: type[Exception] | None = None, **changes: Any
    ) -> AsyncIterator[tuple[Ledger, Loop]]:
        """A runner that works on a job beside the test; its end is awaited, which may be by an
        exception that the test expects."""
        ledger = await self.server.queue(job)
        async with self.loop(**changes) as loop, asyncio.timeout(60):
            task = asyncio.ensure_future(loop.run())
            try:
                yield ledger, loop
                with pytest.raises(ends) if ends is not None else contextlib.nullcontext():
                    await task
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    @property
    def tree(self) -> Path:
        return self.work_dir / "trees" / "card-1" / "work"


async def commit(folder: Path, files: dict[str, str], message: str = "change") -> str:
    """Write files in a clone and commit them; the commit."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")
    await command.run(["add", "-A"], cwd=folder)
    await command.run(["commit", "-q", "-m", message], cwd=folder)
    return (await command.run(["rev-parse", "HEAD"], cwd=folder)).text


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something on this machine that nobody announces: a file, the end of a process."""
    async with asyncio.timeout(20):
        while not await asyncio.to_thread(condition):  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0)


async def start_runner(rig: Rig) -> asyncio.subprocess.Process:
    """A runner in a process of its own."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-c", RUNNER, rig.server.url, str(rig.root)),
        env={"PATH": rig.config().host_env["PATH"], "LAZYAF_RUNNER_TOKEN": TOKEN},
        stderr=asyncio.subprocess.DEVNULL,
    )


def lines_of(ledger: Ledger) -> list[str]:
    return [text for text in ledger.texts("stdout") if text.startswith("line ")]
