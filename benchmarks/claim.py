"""How long it takes from the click on Start until a waiting runner has the job, however many wait.

In a second series somebody else saves a card at the same moment: waking a runner must not hold them up.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

from sqlalchemy import URL

from benchmarks.ground import connect, server
from benchmarks.runner import Runner, scripted_card, start
from benchmarks.table import Figure, milliseconds
from benchmarks.wire import Wire

WAITING: Final = (1, 20, 200)
ROUNDS: Final = 200


async def measure(database: URL | None = None) -> list[Figure]:
    """Each round starts a card, and the runner that gets it fails it again and waits anew."""
    figures: list[Figure] = []
    line = _Line()
    async with server(database=database) as running:
        wire, other = await connect(running), await connect(running)
        demo = await wire.call("POST", "/api/demo")
        card, bystander = [await scripted_card(wire, demo["repo_id"]) for _ in range(2)]
        for count in WAITING:
            while len(line.runners) < count:
                line.add(await Runner.register(running, f"bench-{len(line.runners)}"))
            if count == WAITING[0]:
                await line.served()  # the demo's own card
            for each in (wire, other):
                await each.reopen()  # registering took its time
            alone = [await _round(wire, line, card) for _ in range(ROUNDS)]
            beside = [
                await asyncio.gather(_round(wire, line, card), _save(other, bystander, n))
                for n in range(ROUNDS)
            ]
            waiting = f"{count} waiting runner{'s' if count > 1 else ''}"
            saved = [seconds for _, seconds in beside]
            figures += [
                Figure(
                    f"start → claimed, {waiting}, p50 / p99", milliseconds(alone), "p99 ≤ 15 ms"
                ),
                Figure("… a PATCH beside it", milliseconds(saved)),
            ]
        await line.leave()
        for each in (wire, other, *(runner.wire for runner in line.runners)):
            await each.close()
    return figures


class _Line:
    """Runners that claim and fail whatever they get, for ever."""

    def __init__(self) -> None:
        self.runners: list[Runner] = []
        self._came: asyncio.Queue[float] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []

    def add(self, runner: Runner) -> None:
        """One more stands in the line."""
        self.runners.append(runner)
        self._tasks.append(asyncio.create_task(self._work(runner)))

    async def served(self) -> float:
        """When a runner had the next job; the job is over when this returns."""
        return await self._came.get()

    async def leave(self) -> None:
        """Claim no more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _work(self, runner: Runner) -> None:
        while True:
            job: Any = await runner.claim()
            came = time.perf_counter()
            if job is not None:
                await runner.fail(job)
                self._came.put_nowait(came)


async def _round(wire: Wire, line: _Line, card_id: str) -> float:
    await asyncio.sleep(0.02)  # the runner waits in its long poll before the click
    begun = time.perf_counter()
    await start(wire, card_id)
    return await line.served() - begun


async def _save(wire: Wire, card_id: str, number: int) -> float:
    await asyncio.sleep(0.02)
    begun = time.perf_counter()
    await wire.call("PATCH", f"/api/cards/{card_id}", {"title": f"Title {number}"})
    return time.perf_counter() - begun
