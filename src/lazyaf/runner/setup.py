"""Runs the repository's setup command (``npm ci``) in the sandbox before the agent begins.

It gets the card's variables but no agent's key.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

from lazyaf.agents.death import how_it_died
from lazyaf.protocol.messages import Limits
from lazyaf.runner.lines import LineSplitter
from lazyaf.runner.sandbox import READ_SIZE, Running, Sandbox, View, write_all
from lazyaf.runner.stop import Stop, Stopped
from lazyaf.runner.story import Story

LAST_LINES: Final = 20
_LINE_MAX: Final = 400


class SetupFailed(Exception):
    """The command failed; the message has its last lines."""


async def run_setup(
    sandbox: Sandbox, command: str, view: View, story: Story, limits: Limits, stop: Stop
) -> None:
    """Run it to its end, its output told line by line. At its limit, or at a stop, it gets SIGTERM and the
    grace before it is killed. Raises `SetupFailed` or `Stopped`."""
    if stop.cause is not None:
        raise Stopped
    last: deque[str] = deque(maxlen=LAST_LINES)
    running = await sandbox.start(["sh", "-c", command], view)
    ended = asyncio.ensure_future(_see_out(running, story, last))
    stopped = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait(
            {ended, stopped}, timeout=limits.setup_s, return_when=asyncio.FIRST_COMPLETED
        )
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
    if not in_time:
        raise SetupFailed(_failure(f"took longer than {limits.setup_s:g} s", last))
    if code != 0:
        raise SetupFailed(_failure(how_it_died(code), last))


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
            clean = story.redact(
                line
            )  # before it is cut: half a secret would not be found any more
            story.output(clean, name)
            last.append(clean[:_LINE_MAX])
        if not chunk:
            return


def _failure(how: str, last: deque[str]) -> str:
    return "\n".join([f"The setup command {how}.", *last])
