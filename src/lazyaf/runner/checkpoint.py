"""Saves what an agent has done so far to the server, often and without disturbing it.

A checkpoint is a save of the files byte for byte (also of what is not committed), pushed beside the
branch's tip; the server records it and moves the card's branch to the tip. Taken at each turn's end, every
``limits.checkpoint_s`` with changes, and when the runner must leave; never closer together than ten
times what the last one cost (rule R10).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

import structlog

from lazyaf.domain.errors import GitFailed, TooLarge
from lazyaf.protocol.messages import CheckpointRequest, Job
from lazyaf.runner import saves, snapshot
from lazyaf.runner.client import Refused, ServerClient
from lazyaf.runner.push import Publisher, PushRejected
from lazyaf.runner.saves import Saved
from lazyaf.runner.session import SessionKeeper
from lazyaf.runner.stop import ENDS_ATTEMPT, Stop, Stopped
from lazyaf.runner.story import Story
from lazyaf.runner.treegit import TreeGit

log = structlog.get_logger(__name__)

BACKOFF: Final = 10.0
OBEDIENT_S: Final = 0.5
"""An agent that has not ended so long after SIGTERM will take its time."""
NOTE_MAX: Final = 500


class Checkpointer:
    """Takes the checkpoints of one attempt. ``session`` tells the agent's session, when known, which
    ``keeper`` takes along; ``recorded`` hears of each that the server has."""

    def __init__(
        self,
        client: ServerClient,
        job: Job,
        git: TreeGit,
        publisher: Publisher,
        story: Story,
        session: Callable[[], str | None],
        recorded: Callable[[str, str | None], None],
        keeper: SessionKeeper,
    ) -> None:
        self._client = client
        self._job = job
        self._git = git
        self._publisher = publisher
        self._story = story
        self._session = session
        self._recorded = recorded
        self._keeper = keeper
        self._last: Saved | None = None
        self._said: set[str] = set()

    async def run(self, turn_ended: asyncio.Event, stop: Stop) -> None:
        """Take them until cancelled; after a stop one more, in the time that a stubborn agent is given, so
        that little is left to be sent when it is dead. Raises `LeaseLost` or `ServerAbsent`."""
        with contextlib.suppress(Stopped):
            while True:
                await stop.race(self._until_due(turn_ended))
                cost = await self._take()
                await stop.race(asyncio.sleep(BACKOFF * cost))
        if stop.cause not in ENDS_ATTEMPT:
            await asyncio.sleep(OBEDIENT_S)
            await self.save()

    async def _until_due(self, turn_ended: asyncio.Event) -> None:
        try:
            async with asyncio.timeout(self._job.limits.checkpoint_s):
                await turn_ended.wait()
        except TimeoutError:
            pass  # the other reason to take one
        turn_ended.clear()

    async def _take(self) -> float:
        """Save the conversation and the files; the seconds that it took."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        # The conversation first: one that knows of less than the files have does no harm.
        await self._keeper.take(self._session())
        await self.save()
        await self._keeper.publish()
        return loop.time() - began

    async def save(self) -> None:
        """Take one if anything changed. What goes wrong is told once and never stops the agent."""
        try:
            await self.record(await saves.save(self._git, self._job.branch))
        except (GitFailed, TooLarge, PushRejected, Refused, OSError) as error:
            log.warning("checkpoint.failed", error=str(error))
            self._say(f"A checkpoint could not be saved: {error}")

    async def save_session(self) -> None:
        """Take the agent's session along as it is now; what goes wrong is told and stops nothing.
        Raises `LeaseLost` or `ServerAbsent`."""
        await self._keeper.take(self._session())
        await self._keeper.publish()

    async def close_session(self) -> None:
        """`save_session` for the last time: the agent is done."""
        await self.save_session()
        await self._keeper.settle(self._session())

    async def save_all(self) -> None:
        """The last one, with large files as well. Raises what saving and pushing raise."""
        await self.record(await saves.save(self._git, self._job.branch, final=True))

    async def record(self, saved: Saved) -> None:
        """Push a save and tell the server, unless it is the last one again."""
        if saved == self._last:
            return
        tip = saved.tip or self._job.branch_sha or self._job.base_sha
        prefix = self._job.push_prefix
        updates = {f"{prefix}head": tip}
        if saved.sha is not None:
            updates[f"{prefix}checkpoint"] = saved.sha
        await self._publisher.push(updates)
        additions, deletions, files = await snapshot.difference(
            self._git, self._job.base_sha, tip, saved.sha or tip
        )
        notes = [*saved.notes, *([saved.unfinished] if saved.unfinished else [])]
        await self._client.checkpoint(
            self._job,
            CheckpointRequest(
                head_sha=tip,
                sha=saved.sha,
                session=self._session(),
                notes=[self._story.redact(note)[:NOTE_MAX] for note in notes],
                additions=additions,
                deletions=deletions,
                files=files,
            ),
        )
        self._last = saved
        self._recorded(tip, saved.sha)

    def _say(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self._story.system(text, is_error=True)
