"""What a runner's later jobs wait on a repository of 75 MB: from the claim to the agent's process.

A real local runner with the scripted agent, in the sandbox that works here; its first job has filled
the cache. Before each job the base branch moves on by a commit.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from tests.support.server import ServerProcess

from benchmarks import git_history
from benchmarks.git_history import basic_auth, environment, git
from benchmarks.ground import connect
from benchmarks.table import Figure, milliseconds
from benchmarks.wire import Wire

ROUNDS: Final = 7
WAIT_S: Final = 120.0
_NOW: Final = re.compile(r"agent at (\d+\.\d+)")


@dataclass(frozen=True, slots=True)
class Person:
    """Someone with a clone, who pushes to ``main``."""

    clone: Path
    env: dict[str, str]
    url: str

    def push(self) -> None:
        """What is new."""
        git(self.clone, self.env, "push", "-q", self.url, "main")


async def measure() -> list[Figure]:
    """One job to fill the cache, then some more."""
    with tempfile.TemporaryDirectory(prefix="lazyaf-bench-") as folder:
        room = Path(folder)
        args = ("--pool", "process", "--runners", "1")
        with ServerProcess(room / "data", None, *args) as running:
            wire = await connect(running)
            repo = await wire.call("POST", "/api/repos/ingest", {"name": "bench"})
            await wire.close()  # the server lets go of connections on which nothing is said
            url = f"{running.url}/git/{repo['id']}.git"
            person = Person(room / "clone.git", environment(basic_auth(running.token)), url)
            git(room, person.env, "init", "-q", "--bare", "-b", "main", str(person.clone))
            git_history.fill(person.clone)
            person.push()
            wire = await connect(running)
            seconds = [await _job(wire, repo["id"], person, number) for number in range(ROUNDS + 1)]
            await wire.close()
    return [
        Figure("first job on 75 MB: claimed → agent", f"{seconds[0] * 1e3:,.0f} ms"),
        Figure("later jobs: claimed → agent p50 / p99", milliseconds(seconds[1:]), "≤ 700 ms"),
    ]


async def _job(wire: Wire, repo_id: str, person: Person, number: int) -> float:
    """Seconds from the claim until the agent runs."""
    git_history.move_on(person.clone, number)
    person.push()
    card = await wire.call(
        "POST",
        f"/api/repos/{repo_id}/cards",
        {
            "title": f"Job {number}",
            "agent": "script",
            "agent_options": {"command": 'echo "agent at $(date +%s.%N)"'},
        },
    )
    started = await wire.call("POST", f"/api/cards/{card['id']}/start")
    job = await _ended(wire, started["job_id"])
    log = await wire.call("GET", f"/api/jobs/{job['id']}/logs?limit=1000")
    said = [_NOW.search(entry.get("text") or "") for entry in log["items"]]
    (at,) = {found[1] for found in said if found}
    return float(at) - datetime.fromisoformat(job["started_at"]).timestamp()


async def _ended(wire: Wire, job_id: str) -> Any:
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        job = await wire.call("GET", f"/api/jobs/{job_id}")
        if job["status"] not in ("queued", "running"):
            return job
        await asyncio.sleep(0.1)
    raise RuntimeError(f"The job {job_id} did not end within {WAIT_S:g} s.")
