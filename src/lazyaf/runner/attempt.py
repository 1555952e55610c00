"""One attempt at a job, from its claim to its finish: fetch, set up, let the agent work, push, finish.

A job of checks has neither agent nor work: there is nothing to push, nothing to keep, nothing to resume.

Whatever interrupts it (`lazyaf.runner.stop`) decides what becomes of the work: a job that may be
finished here is committed, pushed and finished; when the lease is lost it is pushed as an orphan; when
the runner leaves or the server is away it stays in the work tree, from where it is taken up.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from typing import Any, Final

import structlog

from lazyaf.domain.errors import GitFailed, Invalid, LeaseLost, Unavailable
from lazyaf.domain.jobs import JobKind, StopReason
from lazyaf.protocol.entries import Phase
from lazyaf.protocol.messages import Command
from lazyaf.runner import control, filelock
from lazyaf.runner.agentwork import AgentWork
from lazyaf.runner.bench import Bench
from lazyaf.runner.checking import Checking
from lazyaf.runner.checkpoint import Checkpointer
from lazyaf.runner.client import Refused, ServerAbsent
from lazyaf.runner.closing import Closing
from lazyaf.runner.marker import Result, borrowed_caches
from lazyaf.runner.push import Publisher
from lazyaf.runner.setup import SetupFailed, run_setup
from lazyaf.runner.stop import Cause, Stopped
from lazyaf.runner.streamer import LogStreamer
from lazyaf.runner.workspace import TREE_WAIT_S

log = structlog.get_logger(__name__)

NOTE_S: Final = 10.0
"""How often the time that the attempt has worked is noted: so much of it a crash can cost."""
REASONS: Final = {
    Cause.STALLED: (StopReason.STALLED, "The agent said nothing for {0.idle_s:g} s."),
    Cause.TIMED_OUT: (StopReason.TIMED_OUT, "The job took longer than {0.job_s:g} s."),
    Cause.CANCELLED: (StopReason.CANCELLED, "Stopped by a person."),
}


class Attempt:
    """See the module. `run` once."""

    def __init__(self, bench: Bench, draining: asyncio.Event) -> None:
        self._bench = bench
        self._draining = draining
        self._streamer = LogStreamer(bench.client, bench.job, bench.outbox)
        self._agent = AgentWork(bench)
        self._is_check = bench.job.kind is JobKind.CHECK
        self._checking = Checking(bench)
        self._closing = Closing(bench, self._checking.reports)
        self._tree_lock = contextlib.AsyncExitStack()
        self._broken: Exception | None = None

    async def run(self) -> None:
        """Work, and return when the attempt is over here. Raises `ServerAbsent` when the server is
        away, and whatever nobody has thought of; the work tree and the outbox then wait for the next
        start."""
        stop = self._bench.stop
        try:
            async with self._tree_lock:
                async with self._background():
                    await self._work_and_finish()
                if stop.cause is Cause.FENCED:
                    await self._closing.leave_orphan()
        finally:
            self._bench.outbox.close()
        if self._broken is not None:
            raise self._broken
        if stop.cause is Cause.ABSENT:
            raise ServerAbsent("The server was away too long; the work waits in its tree.")

    async def _work_and_finish(self) -> None:
        """Everything that is done while the lease is held."""
        stop = self._bench.stop
        try:
            result = await self._result()
            self._agent.end()
            await stop.race_end(self._closing.finish(result, self._streamer))
        except Stopped:
            if stop.cause is Cause.LEAVING:
                await self._closing.leave()
        except LeaseLost:
            stop.request(Cause.FENCED)
        except ServerAbsent:
            stop.request(Cause.ABSENT)
        except Refused as error:
            log.error("finish.refused", job=self._bench.job.job_id, error=str(error))
            stop.request(Cause.FENCED)

    async def _result(self) -> Result:
        """What the work comes to. Raises `Stopped` when this attempt may not finish the job."""
        stop = self._bench.stop
        deadline = asyncio.ensure_future(self._watch_limit())
        try:
            await stop.race(self._fetch())
            marker = self._bench.workspace.marker
            if marker.result is not None:
                return marker.result
            if marker.worked_s >= self._bench.job.limits.job_s:  # an earlier process has used it up
                stop.request(Cause.TIMED_OUT)
                raise Stopped
            await self._set_up()
            result = await (self._check() if self._is_check else self._let_agent_work())
        except Stopped:
            result = Result(stop_reason=StopReason.AGENT_FAILED)
        except (GitFailed, Invalid, SetupFailed, Unavailable, OSError) as error:
            has_begun = self._agent.has_begun
            reason = StopReason.AGENT_FAILED if has_begun else StopReason.SETUP_FAILED
            return Result(stop_reason=reason, error=str(error))
        finally:
            deadline.cancel()
        return self._interrupted(result)

    async def _watch_limit(self) -> None:
        """Ask for a stop when the attempt's time is over. It is noted beside the tree, so that a process
        that follows goes on counting; waiting for the model does not count, nor does no process."""
        loop, limit = asyncio.get_running_loop(), self._bench.job.limits.job_s
        seen = loop.time() - self._agent.waited_s
        try:
            while True:
                space, now = self._bench.workspace, loop.time() - self._agent.waited_s
                space.marker.worked_s += now - seen
                seen = now
                if self._closing.publisher is not None:  # before that the marker is another's
                    space.save()
                left = limit - space.marker.worked_s
                if left <= 0:
                    break
                await asyncio.sleep(NOTE_S if self._agent.waits else min(left, NOTE_S))
        finally:
            if self._closing.publisher is not None:
                self._bench.workspace.marker.worked_s += loop.time() - self._agent.waited_s - seen
                self._bench.workspace.save()
        self._bench.stop.request(Cause.TIMED_OUT)

    def _interrupted(self, result: Result) -> Result:
        """The result, unless a stop says otherwise."""
        cause = self._bench.stop.cause
        if cause is None:
            return result
        if cause not in REASONS:
            raise Stopped
        reason, text = REASONS[cause]
        error = text.format(self._bench.job.limits)
        return result.model_copy(update={"stop_reason": reason, "error": error})

    async def _fetch(self) -> None:
        """Make the work tree, which is this runner's alone until the attempt is over."""
        bench = self._bench
        bench.story.phase(Phase.FETCHING)
        space = bench.workspace
        await self._tree_lock.enter_async_context(
            filelock.lock(space.lock_path, wait_s=TREE_WAIT_S)
        )
        await bench.cache.fetch(bench.job, borrowed_caches(bench.config.trees_dir))
        await space.prepare(bench.cache, bench.spares)
        bench.spares.begin(bench.cache.path, bench.job.base_sha)
        if self._is_check:
            return
        publisher = Publisher(bench.client, bench.job, space.git, space.spool)
        self._closing.publisher = publisher
        self._closing.checkpointer = Checkpointer(
            bench.client,
            bench.job,
            space.git,
            publisher,
            bench.story,
            self._agent.session,
            space.note_recorded,
            bench.sessions,
        )
        if space.resumed:
            bench.story.system("Taken up from the work tree that an interrupted run left.")
        if conflicts := space.marker.conflicts:
            listed = ", ".join(conflicts[:20])
            bench.story.system(f"{bench.job.base} moved on and conflicts in: {listed}")

    async def _set_up(self) -> None:
        bench = self._bench
        if not bench.job.setup or bench.workspace.marker.is_set_up:
            return
        bench.story.phase(Phase.SETUP)
        view, limits, stop = bench.command_view(), bench.job.limits, bench.stop
        await run_setup(bench.sandbox, bench.job.setup, view, bench.story, limits, stop)
        bench.workspace.marker.is_set_up = True
        bench.workspace.save()

    async def _check(self) -> Result:
        self._bench.story.phase(Phase.CHECKING)
        return await self._checking.run()

    async def _let_agent_work(self) -> Result:
        await self._bench.stop.race(self._bench.attachments.fetch())
        self._bench.story.phase(Phase.WORKING)
        checkpointer = self._closing.checkpointer
        if checkpointer is None:
            raise GitFailed("There is no work tree.")
        async with self._beside(checkpointer.run(self._agent.turn_ended, self._bench.stop)):
            return await self._agent.run()

    def _handle(self, command: Command) -> None:
        """A command of a person or of the server. What comes while the job is finished is the server's
        to answer, which is told how far we got."""
        if self._closing.is_finishing:
            return
        if command.type == "cancel":
            self._bench.stop.request(Cause.CANCELLED)
        elif command.type == "drain":
            self._draining.set()
            self._bench.mailbox.done(command.id)
        else:
            self._agent.tell(command)

    @contextlib.asynccontextmanager
    async def _background(self) -> AsyncIterator[None]:
        """Send the log and listen, for as long as the block lasts."""
        bench = self._bench
        listening = control.listen(bench.client, bench.job, bench.mailbox, self._handle)
        async with self._beside(self._streamer.run()), self._beside(listening):
            yield

    @contextlib.asynccontextmanager
    async def _beside(self, work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
        """Run something beside the block; what ends it early becomes a stop."""
        task = asyncio.ensure_future(self._guarded(work))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except LeaseLost:
            self._bench.stop.request(Cause.FENCED)
        except ServerAbsent:
            self._bench.stop.request(Cause.ABSENT)
        except Refused as error:
            log.error("attempt.refused", job=self._bench.job.job_id, error=str(error))
            self._bench.stop.request(Cause.FENCED)
        except Exception as error:
            # Without its log or its ears no attempt comes to an end: the process does, and says why.
            log.error("attempt.broken", job=self._bench.job.job_id, exc_info=error)
            self._broken = error
            self._bench.stop.request(Cause.ABSENT)
