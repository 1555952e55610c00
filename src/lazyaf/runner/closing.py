"""What becomes of the work when an attempt ends: finished, left for later, or kept as an orphan.

Order when it is finished (rule R14): commit what is left, push, flush the log, then finish; and only
when the server has answered is anything deleted.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from typing import Final

import structlog

from lazyaf.domain.errors import GitFailed, LeaseLost, TooLarge
from lazyaf.domain.jobs import JobKind, StopReason
from lazyaf.protocol.entries import Phase
from lazyaf.protocol.messages import CheckReport, FinishRequest
from lazyaf.runner import commit, saves, snapshot
from lazyaf.runner.bench import Bench
from lazyaf.runner.checkpoint import Checkpointer
from lazyaf.runner.client import ServerAbsent
from lazyaf.runner.marker import Result
from lazyaf.runner.push import Publisher, PushRejected
from lazyaf.runner.snapshot import Snapshot
from lazyaf.runner.streamer import LogStreamer

log = structlog.get_logger(__name__)

LEAVE_S: Final = 1.5
"""For the last checkpoint of a runner that must go; what does not fit stays in the tree (R17)."""
ORPHAN_S: Final = 60.0
FULL: Final = 1024 * 1024
"""A disk with fewer bytes than this is said to be full."""
SUCCESSFUL: Final = frozenset({StopReason.FINISHED, StopReason.NO_CHANGES})


class Closing:
    """The end of one attempt. ``publisher`` and ``checkpointer`` come with the work tree, and never where
    there are only checks, whose ``reports`` go with the finish."""

    def __init__(self, bench: Bench, reports: Sequence[CheckReport] = ()) -> None:
        self._reports = reports
        self._client = bench.client
        self._job = bench.job
        self._workspace = bench.workspace
        self._story = bench.story
        self._outbox = bench.outbox
        self._state = bench.state
        self._runner = bench.config.name
        self._mailbox = bench.mailbox
        self.is_finishing = False
        self.publisher: Publisher | None = None
        self.checkpointer: Checkpointer | None = None

    async def finish(self, result: Result, streamer: LogStreamer) -> None:
        """Publish, flush, finish, tidy up. Raises `LeaseLost`, `ServerAbsent` or `Refused`."""
        head: str | None = None
        if self.publisher is not None and result.stop_reason is not StopReason.SETUP_FAILED:
            self._workspace.marker.result = result
            self._workspace.save()
            result, head = await self._publish(result, self.publisher)
            if self.checkpointer is not None:
                await self.checkpointer.close_session()
        error = result.error and self._story.redact(result.error)
        if error:
            self._story.system(error, is_error=True)
        await streamer.flush()
        self.is_finishing = True
        request = FinishRequest(
            stop_reason=result.stop_reason,
            head_sha=head,
            last_seq=self._outbox.last,
            usage=result.usage,
            session=result.session,
            error=error and error[:10_000],
            heard=self._mailbox.heard,
            checks=list(self._reports),
        )
        answer = await self._client.finish(self._job, request)
        log.info("job.finished", job=self._job.job_id, status=answer.status)
        self._tidy(result)

    async def leave(self) -> None:
        """Save what fits into a moment; the tree and the outbox stay for the next start."""
        if self.checkpointer is None:
            return
        try:
            async with asyncio.timeout(LEAVE_S):
                await self.checkpointer.save()
                await self.checkpointer.save_session()
        except (TimeoutError, LeaseLost, ServerAbsent) as error:
            log.info("leave.without_checkpoint", job=self._job.job_id, error=str(error))

    async def leave_orphan(self) -> None:
        """Push the work where a lost lease still may; the tree goes when the server has it, and is kept
        aside when not."""
        if self.publisher is not None:
            try:
                async with asyncio.timeout(ORPHAN_S):
                    await self._push_orphan(self.publisher)
                self._workspace.remove()
            except (
                TimeoutError,
                GitFailed,
                TooLarge,
                PushRejected,
                ServerAbsent,
                OSError,
            ) as error:
                log.warning("orphan.not_pushed", job=self._job.job_id, error=str(error))
                self._workspace.keep_aside()
        elif self._job.kind is JobKind.CHECK:
            self._workspace.remove()
        self._outbox.remove()
        self._state.done()

    async def _push_orphan(self, publisher: Publisher) -> None:
        """Push what the server has not: the attempt that follows goes on from what it had recorded."""
        git, marker = self._workspace.git, self._workspace.marker
        saved = await saves.save(git, self._job.branch, final=True)
        if (saved.tip, saved.sha) == marker.recorded:
            return
        taken = await self._take()
        head = await commit.commit_rest(git, taken, commit.message(self._job, complete=False))
        if taken.unfinished is not None or taken.notes:
            head = saved.sha or head
        if head != marker.start:
            ref = f"refs/lazyaf/jobs/{self._job.job_id}/orphan/{self._job.attempt}"
            await publisher.push({ref: head})

    async def _publish(self, result: Result, publisher: Publisher) -> tuple[Result, str | None]:
        """Commit what is left and push; the result with what git has to say about it."""
        self._story.phase(Phase.PUSHING)
        try:
            taken = await self._take()
            result = await self._keep_unfinished(result, taken)
            complete = result.stop_reason in SUCCESSFUL
            text = commit.message(self._job, complete=complete)
            head = await commit.commit_rest(self._workspace.git, taken, text)
            await publisher.push({f"{self._job.push_prefix}head": head})
        except (PushRejected, GitFailed, TooLarge, OSError) as error:
            told = {"stop_reason": StopReason.PUSH_REJECTED, "error": self._why_not(error)}
            return result.model_copy(update=told), None
        self._story.git(f"Pushed {head[:10]}", head, text.splitlines()[0])
        if result.stop_reason is StopReason.FINISHED and self._is_unchanged(head):
            result = result.model_copy(update={"stop_reason": StopReason.NO_CHANGES})
        return result, head

    def _why_not(self, error: Exception) -> str:
        """Why the work is not on the server, and where it is."""
        if isinstance(error, PushRejected):
            what = "The server refused the work"
        elif shutil.disk_usage(self._workspace.root).free < FULL:
            what = "The work could not be saved, because this runner's disk is full"
        else:
            what = "The work could not be saved"
        place = f"It is kept on {self._runner}, in {self._workspace.kept}."
        return f"{what}. {place}\n{error}"

    async def _keep_unfinished(self, result: Result, taken: Snapshot) -> Result:
        """Save what may not be committed, or not whole, as a checkpoint, and say so."""
        for note in taken.notes:
            self._story.system(note, is_error=True)
        if self.checkpointer is not None and (taken.notes or taken.unfinished):
            await self.checkpointer.save_all()
        if taken.unfinished is None:
            return result
        text = f"{taken.unfinished} The work is kept as a checkpoint; retry to go on from it."
        self._story.system(text, is_error=True)
        if result.stop_reason not in SUCCESSFUL:
            return result
        return result.model_copy(update={"stop_reason": StopReason.AGENT_FAILED, "error": text})

    async def _take(self) -> Snapshot:
        """A snapshot, of a repaired repository if the agent broke its own. One whose HEAD can be read
        is not broken, and its commits may be nowhere else."""
        git = self._workspace.git
        try:
            return await snapshot.take(git, self._job.branch)
        except GitFailed:
            if await git.ref("HEAD") is not None:
                return await snapshot.take(git, self._job.branch, anew=True)
            self._story.system("The agent broke the repository; its files are kept.", is_error=True)
            await self._workspace.repair()
            return await snapshot.take(git, self._job.branch)

    def _is_unchanged(self, head: str) -> bool:
        """Whether this job did nothing. A later attempt starts from its own earlier work, so there
        only a head that equals the base means nothing."""
        if self._job.attempt > 1 and head != self._job.base_sha:
            return False
        return head == self._workspace.marker.start

    def _tidy(self, result: Result) -> None:
        """The server has everything: nothing is needed here any more but HOME."""
        if result.stop_reason is StopReason.PUSH_REJECTED:
            self._workspace.keep_aside()
        else:
            self._workspace.remove()
        self._outbox.remove()
        self._state.done()
