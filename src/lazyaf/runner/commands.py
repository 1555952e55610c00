"""Runs a command of the repository in the sandbox, such as its setup or a check, and tells what it prints."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Final

from lazyaf.agents.death import how_it_died
from lazyaf.protocol.messages import Limits
from lazyaf.runner.lines import LineSplitter
from lazyaf.runner.sandbox import READ_SIZE, Running, Sandbox, View, write_all
from lazyaf.runner.stop import Stop, Stopped
from lazyaf.runner.story import Story

LAST_LINES: Final = 20
_LINE_MAX: Final = 400


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended: its exit code (None: it took longer than it may, ``limit_s``), and the last
    lines that it printed, redacted."""

    code: int | None
    limit_s: float
    last: tuple[str, ...]

    @property
    def how(self) -> str:
        """A verb phrase: ``exited with code 2``, ``took longer than 600 s``."""
        return (
            f"took longer than {self.limit_s:g} s" if self.code is None else how_it_died(self.code)
        )


async def run_command(
    sandbox: Sandbox,
    command: str,
    view: View,
    story: Story,
    limit_s: float,
    limits: Limits,
    stop: Stop,
) -> Ended:
    """Run it to its end, its output told line by line. At its limit, or at a stop, it gets SIGTERM and the
    grace before it is killed. Raises `Stopped`."""
    if stop.cause is not None:
        raise Stopped
    last: deque[str] = deque(maxlen=LAST_LINES)
    running = await sandbox.start(["sh", "-c", command], view)
    ended = asyncio.ensure_future(_see_out(running, story, last))
    stopped = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({ended, stopped}, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
        in_time = ended.done()
        if not in_time:
            await running.end(stop.grace(limits))
        code = await ended
    finally:
        for each in (ended, stopped):
            each.cancel()
        await running.close()
        await asyncio.gather(ended, stopped, return_exceptions=True)
    if stop.cause is not None:
        raise Stopped
    return Ended(code if in_time else None, limit_s, tuple(last))


async def _see_out(running: Running, story: Story, last: deque[str]) -> int:
    """Tell what it says until it ends; the exit code."""
    await asyncio.gather(
        write_all(running.stdin, b""),
        _tell(running.stdout, "stdout", story, last),
        _tell(running.stderr, "stderr", story, last),
    )
    return await running.wait()


async def _tell(
    stream: asyncio.StreamReader | None, name: str, story: Story, last: deque[str]
) -> None:
    splitter = LineSplitter()
    while stream is not None:
        chunk = await stream.read(READ_SIZE)
        for line in splitter.feed(chunk) if chunk else splitter.end():
            # Before it is cut: half a secret would not be found any more.
            clean = story.redact(line)
            story.output(clean, name)
            last.append(clean[:_LINE_MAX])
        if not chunk:
            return
