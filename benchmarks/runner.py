"""What a runner says to the server, over one connection: the least that gets a job claimed and ended."""

from __future__ import annotations

import uuid
from typing import Any, Final

from tests.support.server import ServerProcess

from benchmarks.ground import connect
from benchmarks.wire import Wire

PREFIX: Final = "/api/runner/v1"


class Runner:
    """A registered runner that knows the scripted agent."""

    def __init__(self, wire: Wire, instance: str) -> None:
        self.wire = wire
        self._instance = instance

    @classmethod
    async def register(cls, running: ServerProcess, name: str = "bench") -> Runner:
        """Connect with the local runners' token and make it known."""
        token = (running.data_dir / "runners" / "token").read_text().strip()
        wire = await connect(running, token)
        instance = uuid.uuid4().hex
        hello = {"name": name, "instance_id": instance, "version": "bench", "protocol": 1}
        offers = [{"name": "script"}]
        await wire.call("POST", f"{PREFIX}/register", {**hello, "agents": offers})
        return cls(wire, instance)

    async def claim(self) -> Any:
        """Wait for a job; None when none came."""
        body = {"instance_id": self._instance, "claim_id": uuid.uuid4().hex}
        return await self.wire.call("POST", f"{PREFIX}/claim", body)

    def log(self, job: Any, src_seq: int, entries: list[dict[str, Any]]) -> bytes:
        """The request that appends these entries."""
        path = f"{PREFIX}/jobs/{job['job_id']}/log"
        body = {"src_seq": src_seq, "entries": entries}
        return self.wire.prepare("POST", path, body, _lease(job))

    async def confirm(self, job: Any) -> None:
        """Say that the claim's answer arrived; without it the job is soon queued again."""
        await self.wire.call("GET", f"{PREFIX}/jobs/{job['job_id']}/log", headers=_lease(job))

    async def fail(self, job: Any) -> None:
        """End the job in a way that needs no push."""
        body = {"stop_reason": "agent_failed"}
        path = f"{PREFIX}/jobs/{job['job_id']}/finish"
        await self.wire.call("POST", path, body, headers=_lease(job))

    async def close(self) -> None:
        """Hang up."""
        await self.wire.close()


def _lease(job: Any) -> str:
    return f"Lazyaf-Lease: {job['lease']}\r\n"


async def claimed(running: ServerProcess, wire: Wire, count: int) -> list[tuple[Runner, Any]]:
    """This many runners, each with a job."""
    demo = await wire.call("POST", "/api/demo")  # which starts a first card itself
    for _ in range(count - 1):
        await start(wire, await scripted_card(wire, demo["repo_id"]))
    runners = [await Runner.register(running, f"bench-{n}") for n in range(count)]
    jobs = [await runner.claim() for runner in runners]
    for runner, job in zip(runners, jobs, strict=True):
        await runner.confirm(job)
    return list(zip(runners, jobs, strict=True))


async def scripted_card(wire: Wire, repo_id: str) -> str:
    """The id of a new card for the scripted agent."""
    body = {"title": "Bench", "agent": "script", "agent_options": {"command": "true"}}
    card = await wire.call("POST", f"/api/repos/{repo_id}/cards", body)
    card_id: str = card["id"]
    return card_id


async def start(wire: Wire, card_id: str) -> None:
    """Queue a job for a card."""
    await wire.call("POST", f"/api/cards/{card_id}/start")
