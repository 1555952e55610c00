"""Saves what an agent has done so far to the server, often and without disturbing it.

A checkpoint is a snapshot of the files (also of what is not committed), pushed beside the branch's tip;
the server records it and moves the card's branch to the tip. Taken at each turn's end, every
``limits.checkpoint_s`` with changes, and when the runner must leave; never closer together than ten
times what the last one cost (rule R10).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from lazyaf.domain.errors import GitFailed, TooLarge
from lazyaf.protocol.messages import CheckpointRequest, Job
from lazyaf.runner import snapshot
from lazyaf.runner.client import Refused, ServerClient
from lazyaf.runner.push import Publisher, PushRejected
from lazyaf.runner.snapshot import Snapshot
from lazyaf.runner.story import Story
from lazyaf.runner.treegit import TreeGit

log = structlog.get_logger(__name__)

BACKOFF: Final = 10.0


class Checkpointer:
    """Takes the checkpoints of one attempt. ``session`` tells the agent's session, when known."""

    def __init__(
        self,
        client: ServerClient,
        job: Job,
        git: TreeGit,
        publisher: Publisher,
        story: Story,
        session: Callable[[], str | None],
    ) -> None:
        self._client = client
        self._job = job
        self._git = git
        self._publisher = publisher
        self._story = story
        self._session = session
        self._last: tuple[str, str] | None = None
        self._said: set[str] = set()

    async def run(self, turn_ended: asyncio.Event) -> None:
        """Take them until cancelled. Raises `LeaseLost` or `ServerAbsent`."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                async with asyncio.timeout(self._job.limits.checkpoint_s):
                    await turn_ended.wait()
            except TimeoutError:
                pass  # the other reason to take one
            turn_ended.clear()
            began = loop.time()
            await self.save()
            await asyncio.sleep(BACKOFF * (loop.time() - began))

    async def save(self) -> None:
        """Take one if anything changed. What goes wrong is told once and never stops the agent."""
        try:
            taken = await snapshot.take(self._git, self._job.branch)
            if (taken.head, taken.tree) != self._last:
                await self.record(taken)
        except (GitFailed, TooLarge, PushRejected, Refused) as error:
            log.warning("checkpoint.failed", error=str(error))
            self._say(f"A checkpoint could not be saved: {error}")

    async def record(self, taken: Snapshot) -> None:
        """Push a snapshot and tell the server. Raises what pushing raises."""
        prefix = self._job.push_prefix
        updates = {f"{prefix}head": taken.tip}
        saved = await snapshot.save(self._git, taken) if taken.dirty else None
        if saved is not None:
            updates[f"{prefix}checkpoint"] = saved
        await self._publisher.push(updates)
        additions, deletions, files = await snapshot.difference(
            self._git, self._job.base_sha, taken
        )
        notes = [*taken.notes, *([taken.unfinished] if taken.unfinished else [])]
        await self._client.checkpoint(
            self._job,
            CheckpointRequest(
                head_sha=taken.tip,
                sha=saved,
                session=self._session(),
                notes=notes,
                additions=additions,
                deletions=deletions,
                files=files,
            ),
        )
        self._last = (taken.head, taken.tree)

    def _say(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self._story.system(text, is_error=True)
