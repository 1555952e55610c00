"""How long it takes from the click on Start until a waiting runner has the job."""

from __future__ import annotations

import asyncio
import time
import uuid
from typing import Any

from benchmarks.ground import connect, server
from benchmarks.table import Figure, milliseconds
from benchmarks.wire import Wire

ROUNDS = 120
PREFIX = "/api/runner/v1"


async def measure() -> list[Figure]:
    """One runner waits; each round starts a card and fails it again."""
    async with server() as running:
        wire = await connect(running)
        token = (running.data_dir / "runners" / "token").read_text().strip()
        runner = await connect(running, token)
        instance = await _register(runner)
        demo = await wire.call("POST", "/api/demo")
        await _serve_one(runner, instance)  # the demo's own card
        card = await _card(wire, demo["repo_id"])
        samples = [await _round(wire, runner, instance, card) for _ in range(ROUNDS)]
        await wire.close()
        await runner.close()
    return [Figure("start → claimed p50 / p99", milliseconds(samples), "p50 ≤ 10 ms", "3.97 s")]


async def _register(runner: Wire) -> str:
    instance = uuid.uuid4().hex
    hello = {"name": "bench", "instance_id": instance, "version": "bench", "protocol": 1}
    offers = [{"name": "script"}]
    await runner.call("POST", f"{PREFIX}/register", {**hello, "agents": offers})
    return instance


async def _card(wire: Wire, repo_id: str) -> str:
    body = {"title": "Bench", "agent": "script", "agent_options": {"command": "true"}}
    card = await wire.call("POST", f"/api/repos/{repo_id}/cards", body)
    card_id: str = card["id"]
    return card_id


async def _serve_one(runner: Wire, instance: str) -> float:
    """Claim, note when the answer came, and fail the job."""
    job: Any = await runner.call(
        "POST", f"{PREFIX}/claim", {"instance_id": instance, "claim_id": uuid.uuid4().hex}
    )
    came = time.perf_counter()
    await runner.call(
        "POST",
        f"{PREFIX}/jobs/{job['job_id']}/finish",
        {"stop_reason": "agent_failed"},
        headers=f"Lazyaf-Lease: {job['lease']}\r\n",
    )
    return came


async def _round(wire: Wire, runner: Wire, instance: str, card_id: str) -> float:
    serving = asyncio.create_task(_serve_one(runner, instance))
    await asyncio.sleep(0.02)  # the runner waits in its long poll before the click
    begun = time.perf_counter()
    await wire.call("POST", f"/api/cards/{card_id}/start")
    return await serving - begun
