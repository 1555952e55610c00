"""Runs the agent's process: pumps its lines, speaks to it, watches the clocks and ends it.

Ending is SIGTERM to everything in the sandbox, a grace, then the sandbox itself: an agent's shell tool
makes sessions of its own, so a process group is not enough. Reading never waits for the server.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Awaitable
from typing import Final

import structlog

from lazyaf.agents.base import Conversation, Launch, Stream
from lazyaf.protocol.entries import IDLE, UNHEARD
from lazyaf.protocol.messages import Command, Limits
from lazyaf.runner.lines import LineSplitter
from lazyaf.runner.mailbox import Post
from lazyaf.runner.outbox import Outbox
from lazyaf.runner.redaction import Redactor
from lazyaf.runner.sandbox import READ_SIZE, Running, Sandbox, View
from lazyaf.runner.stop import Cause, Stop
from lazyaf.runner.story import Story

log = structlog.get_logger(__name__)

REAP_S: Final = 5.0
"""How long an agent may linger after it has said its result."""


class AgentRun:
    """One run of an agent's process. `run` once; `tell` while it runs.

    Messages that wait in the ``post`` are told first; ``turn_ended`` is set whenever a turn is over.
    """

    def __init__(
        self,
        launch: Launch,
        conversation: Conversation,
        *,
        outbox: Outbox,
        story: Story,
        redactor: Redactor,
        limits: Limits,
        stop: Stop,
        post: Post,
        turn_ended: asyncio.Event,
    ) -> None:
        self._launch = launch
        self._conversation = conversation
        self._outbox = outbox
        self._story = story
        self._redactor = redactor
        self._limits = limits
        self._stop = stop
        self._post = post
        self._told: deque[Command] = deque()
        self._running: Running | None = None
        self._over = asyncio.Event()
        self._deaf = asyncio.Event()
        self._heard_at = 0.0
        self._turn_ended = turn_ended

    async def run(self, sandbox: Sandbox, view: View) -> int | None:
        """Start it and see it to its end, however that comes. The exit code; None if it never ran."""
        try:
            running = await sandbox.start(self._launch.argv, view)
        except OSError as error:
            self._story.system(f"The agent could not be started: {error}", is_error=True)
            return None
        self._running = running
        self._heard_at = asyncio.get_running_loop().time()
        try:
            pumps = asyncio.gather(
                self._pump(running.stdout, "stdout"), self._pump(running.stderr, "stderr")
            )
            await self._begin(running)
            async with _background(self._watch_idle()):
                await self._until_end(running)
            code = await running.wait()
            await pumps
            return code
        finally:
            self._running = None
            await running.close()

    def tell(self, command: Command) -> None:
        """Pass a person's message or interruption on, and show it."""
        stdin = None if self._running is None else self._running.stdin
        if stdin is None and command.type == "interrupt":
            self._post.refuse(command, IDLE)
        elif stdin is None:
            self._post.waiting.append(command)  # it is being started
        elif not self._launch.keep_stdin:
            self._post.refuse(command, "This agent cannot be spoken to while it runs.")
        elif stdin.is_closing():
            self._post.refuse(command, UNHEARD)
        else:
            self._say(command, stdin)

    @property
    def unheard(self) -> list[Command]:
        """Messages that the agent was sent and has not taken up, once it has ended."""
        return list(self._told)

    def _say(self, command: Command, stdin: asyncio.StreamWriter) -> None:
        if command.type == "message":
            self._post.show(command)
            said = self._conversation.message(command.text or "")
            self._told.append(command)
        else:
            self._story.system("Interrupted by a person.")
            said = self._conversation.interrupt()
            self._post.done(command)
        if said is not None:
            stdin.write(said)
        self._settle()

    def _settle(self) -> None:
        """Messages are dealt with when the agent has taken them up, the oldest first."""
        while len(self._told) > self._conversation.waiting:
            self._post.done(self._told.popleft())

    async def _begin(self, running: Running) -> None:
        """Say the first words; an open stdin that nobody uses makes some agents wait."""
        if running.stdin is None:
            return
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            running.stdin.write(self._launch.stdin)
            await running.stdin.drain()
            if not self._launch.keep_stdin:
                running.stdin.close()
        waiting, self._post.waiting = self._post.waiting, []
        for command in waiting:
            self.tell(command)

    async def _until_end(self, running: Running) -> None:
        """Wait for the exit, the result or a stop, and see to it that the exit follows."""
        exited = asyncio.ensure_future(running.wait())
        over = asyncio.ensure_future(self._over.wait())
        stopped = asyncio.ensure_future(self._stop.wait())
        deaf = asyncio.ensure_future(self._deaf.wait())
        try:
            while True:
                await asyncio.wait(
                    {exited, over, stopped, deaf}, return_when=asyncio.FIRST_COMPLETED
                )
                if not over.done() or self._conversation.is_over:
                    break
                self._over.clear()  # it was said something in this very moment, and goes on
                over = asyncio.ensure_future(self._over.wait())
            if over.done() and not exited.done():
                if running.stdin is not None:
                    running.stdin.close()
                await asyncio.wait(
                    {exited, stopped}, timeout=REAP_S, return_when=asyncio.FIRST_COMPLETED
                )
            if not exited.done() and stopped.done():
                await running.end(self._stop.grace(self._limits))
            await running.kill()
        finally:
            for each in (exited, over, stopped, deaf):
                each.cancel()
            await asyncio.gather(exited, over, stopped, deaf, return_exceptions=True)

    async def _pump(self, stream: asyncio.StreamReader | None, name: Stream) -> None:
        splitter = LineSplitter()
        try:
            while stream is not None and (chunk := await stream.read(READ_SIZE)):
                self._heard_at = asyncio.get_running_loop().time()
                self._hear(splitter.feed(chunk), name)
            self._hear(splitter.end(), name)
        except Exception:
            self._deaf.set()  # an agent that nobody listens to would wait for us, and we for it
            raise

    def _hear(self, lines: list[str], stream: Stream) -> None:
        """Entries for lines, and what they mean for the run."""
        turns = self._conversation.turns_ended
        for line in lines:
            self._outbox.append(self._conversation.feed(self._redactor.text(line), stream))
        self._settle()
        if self._conversation.turns_ended > turns:
            self._turn_ended.set()
        if self._conversation.is_over:
            self._over.set()

    async def _watch_idle(self) -> None:
        """Ask for a stop when nothing was heard for the idle limit."""
        loop = asyncio.get_running_loop()
        while True:
            left = self._heard_at + self._limits.idle_s - loop.time()
            if left <= 0:
                break
            await asyncio.sleep(left)
        self._stop.request(Cause.STALLED)


@contextlib.asynccontextmanager
async def _background(work: Awaitable[None]) -> AsyncIterator[None]:
    """Run something beside, for as long as the block lasts."""
    task = asyncio.ensure_future(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
