"""How long it takes from the click on Cancel until the job is over, with what the agent had done on its branch.

A real local runner with the scripted agent, in the sandbox that works here.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from tests.support.server import ServerProcess

from benchmarks.ground import connect
from benchmarks.runner import start
from benchmarks.table import Figure, percentile
from benchmarks.wire import Wire

ROUNDS: Final = 5
WAIT_S: Final = 60.0
LOOK_S: Final = 0.01
READY: Final = "at its long command"
FEW: Final = "echo done > work.txt"
LARGE: Final = "head -c 20000000 /dev/urandom > large.bin"
"""Bytes that do not compress."""
LONG: Final = f"echo '{READY}'; exec sleep 1000"
DEAF: Final = f"trap '' TERM; echo '{READY}'; while :; do sleep 1; done"


async def measure() -> list[Figure]:
    """Each case a few times, one job after the other."""
    with tempfile.TemporaryDirectory(prefix="lazyaf-bench-") as folder:
        args = ("--pool", "process", "--runners", "1")
        with ServerProcess(Path(folder) / "data", None, *args) as running:
            wire = await connect(running)
            repo = (await wire.call("POST", "/api/demo"))["repo_id"]
            figures = [
                await _figure(
                    wire, repo, "cancel → over, a few bytes of work", f"{FEW}; {LONG}", 2
                ),
                await _figure(wire, repo, "… 20 MB of it", f"{LARGE}; {LONG}", 2),
                await _figure(wire, repo, "… an agent that ignores SIGTERM", f"{FEW}; {DEAF}", 12),
            ]
            await wire.close()
    return figures


async def _figure(wire: Wire, repo: str, name: str, command: str, aim: int) -> Figure:
    took = [await _cancelled(wire, repo, command) for _ in range(ROUNDS)]
    return Figure(
        f"{name}, p50 / longest", f"{percentile(took, 0.5):.2f} / {max(took):.2f} s", f"≤ {aim} s"
    )


async def _cancelled(wire: Wire, repo: str, command: str) -> float:
    """Seconds from the command until the job is over; its work must be on the card's branch."""
    body = {"title": "Take long", "agent": "script", "agent_options": {"command": command}}
    card = (await wire.call("POST", f"/api/repos/{repo}/cards", body))["id"]
    await start(wire, card)
    job = (await wire.call("GET", f"/api/cards/{card}"))["job_id"]
    await _until(lambda: _has_said(wire, job))
    begun = time.perf_counter()
    await wire.call("POST", f"/api/cards/{card}/cancel")
    await _until(lambda: _is_over(wire, job))
    took = time.perf_counter() - begun
    diff = await wire.call("GET", f"/api/cards/{card}/diff")
    if len(diff["files"]) != 1:
        raise RuntimeError(f"The work of a cancelled agent is not on its branch: {diff['files']}")
    return took


async def _has_said(wire: Wire, job: str) -> bool:
    log = await wire.call("GET", f"/api/jobs/{job}/logs?limit=1000")
    return any(entry.get("text") == READY for entry in log["items"])


async def _is_over(wire: Wire, job: str) -> bool:
    status: str = (await wire.call("GET", f"/api/jobs/{job}"))["status"]
    return status not in ("queued", "running")


async def _until(look: Any) -> None:
    deadline = time.monotonic() + WAIT_S
    while not await look():
        if time.monotonic() > deadline:
            raise RuntimeError(f"What the benchmark waits for did not come within {WAIT_S:g} s.")
        await asyncio.sleep(LOOK_S)
