"""Runs the repository's setup command (``npm ci``) in the sandbox before the agent begins.

It gets the card's variables but no agent's key.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

from lazyaf.agents.death import how_it_died
from lazyaf.runner.lines import LineSplitter
from lazyaf.runner.sandbox import READ_SIZE, Sandbox, View, write_all
from lazyaf.runner.story import Story

LAST_LINES: Final = 20
_LINE_MAX: Final = 400


class SetupFailed(Exception):
    """The command failed; the message has its last lines."""


async def run_setup(
    sandbox: Sandbox, command: str, view: View, story: Story, seconds: float
) -> None:
    """Run it to its end, its output told line by line. Raises `SetupFailed`."""
    last: deque[str] = deque(maxlen=LAST_LINES)
    running = await sandbox.start(["sh", "-c", command], view)
    try:
        async with asyncio.timeout(seconds):
            await asyncio.gather(
                write_all(running.stdin, b""),
                _tell(running.stdout, "stdout", story, last),
                _tell(running.stderr, "stderr", story, last),
            )
            code = await running.wait()
    except TimeoutError:
        raise SetupFailed(_failure(f"took longer than {seconds:g} s", last)) from None
    finally:
        await running.close()
    if code != 0:
        raise SetupFailed(_failure(how_it_died(code), last))


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
