"""One attempt at a job, from its claim to its finish: fetch, set up, let the agent work, push, finish.

Whatever interrupts it (`lazyaf.runner.stop`) decides what becomes of the work: a job that may be
finished here is committed, pushed and finished; when the lease is lost it is pushed as an orphan; when
the runner leaves or the server is away it stays in the work tree, from where it is taken up.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Coroutine
from typing import Any, Final

import structlog

from lazyaf.agents import registry
from lazyaf.agents.base import AgentRun as AgentTask
from lazyaf.agents.base import Conversation, Launch
from lazyaf.agents.environment import agent_env, certificate_paths
from lazyaf.domain.errors import GitFailed, Invalid, LeaseLost, TooLarge, Unavailable
from lazyaf.domain.jobs import StopReason
from lazyaf.protocol.entries import Phase
from lazyaf.protocol.messages import Command, Job
from lazyaf.runner import brief, control, filelock
from lazyaf.runner.agentrun import AgentRun
from lazyaf.runner.cache import Cache
from lazyaf.runner.checkpoint import Checkpointer
from lazyaf.runner.client import Refused, ServerAbsent, ServerClient
from lazyaf.runner.closing import Closing
from lazyaf.runner.config import RunnerConfig
from lazyaf.runner.marker import Result
from lazyaf.runner.outbox import Outbox
from lazyaf.runner.push import Publisher
from lazyaf.runner.redaction import Redactor, secret_values
from lazyaf.runner.sandbox import Sandbox, View
from lazyaf.runner.setup import SetupFailed, run_setup
from lazyaf.runner.state import State
from lazyaf.runner.stop import Cause, Stop, Stopped
from lazyaf.runner.story import Story
from lazyaf.runner.streamer import LogStreamer
from lazyaf.runner.workspace import Workspace

log = structlog.get_logger(__name__)

TREE_WAIT_S: Final = 60.0
REASONS: Final = {
    Cause.STALLED: (StopReason.STALLED, "The agent said nothing for {0.idle_s:g} s."),
    Cause.TIMED_OUT: (StopReason.TIMED_OUT, "The job took longer than {0.job_s:g} s."),
    Cause.CANCELLED: (StopReason.CANCELLED, "Stopped by a person."),
}


class Attempt:
    """See the module. `run` once."""

    def __init__(
        self,
        config: RunnerConfig,
        client: ServerClient,
        sandbox: Sandbox,
        state: State,
        job: Job,
        stop: Stop,
        draining: asyncio.Event,
    ) -> None:
        self._config = config
        self._client = client
        self._sandbox = sandbox
        self._state = state
        self._job = job
        self._stop = stop
        self._draining = draining
        self._secrets = [config.token, job.lease, job.repo.password, *secret_values(job.env)]
        self._redactor = Redactor(self._secrets)
        self._outbox = Outbox(state.outbox_path(job), self._redactor)
        self._story = Story(self._outbox)
        self._streamer = LogStreamer(client, job, self._outbox)
        self._workspace = Workspace(config, job, sandbox)
        url = config.server.rstrip("/") + job.repo.clone_url
        self._cache = Cache(config.cache_dir, job.repo.id, url)
        self._agent_run: AgentRun | None = None
        self._conversation: Conversation | None = None
        self._unsaid: list[Command] = []
        self._publisher: Publisher | None = None

    async def run(self) -> None:
        """Work, and return when the attempt is over here. Raises `ServerAbsent` when the server is
        away; the work tree and the outbox then wait for the next start."""
        try:
            async with filelock.lock(self._workspace.lock_path, wait_s=TREE_WAIT_S):
                async with self._background():
                    await self._work_and_finish()
                if self._stop.cause is Cause.FENCED:
                    await self._closing().leave_orphan()
        finally:
            self._outbox.close()
        if self._stop.cause is Cause.ABSENT:
            raise ServerAbsent("The server was away too long; the work waits in its tree.")

    async def _work_and_finish(self) -> None:
        """Everything that is done while the lease is held."""
        try:
            result = await self._result()
            await self._stop.race_end(self._closing().finish(result, self._streamer))
        except Stopped:
            if self._stop.cause is Cause.LEAVING:
                await self._closing().leave()
        except LeaseLost:
            self._stop.request(Cause.FENCED)
        except ServerAbsent:
            self._stop.request(Cause.ABSENT)
        except Refused as error:
            log.error("finish.refused", job=self._job.job_id, error=str(error))
            self._stop.request(Cause.FENCED)

    async def _result(self) -> Result:
        """What the work comes to. Raises `Stopped` when this attempt may not finish the job."""
        timer = asyncio.get_running_loop().call_later(
            self._job.limits.job_s, self._stop.request, Cause.TIMED_OUT
        )
        try:
            await self._stop.race(self._fetch())
            if self._workspace.marker.result is not None:
                return self._workspace.marker.result
            await self._stop.race(self._set_up())
            result = await self._run_agent()
        except Stopped:
            return self._interrupted(Result(stop_reason=StopReason.AGENT_FAILED))
        except (GitFailed, Invalid, SetupFailed, Unavailable, OSError) as error:
            return Result(stop_reason=StopReason.SETUP_FAILED, error=str(error))
        finally:
            timer.cancel()
        return self._interrupted(result)

    def _interrupted(self, result: Result) -> Result:
        """The result, unless a stop says otherwise."""
        cause = self._stop.cause
        if cause is None:
            return result
        if cause not in REASONS:
            raise Stopped
        reason, text = REASONS[cause]
        return result.model_copy(
            update={"stop_reason": reason, "error": text.format(self._job.limits)}
        )

    async def _fetch(self) -> None:
        self._story.phase(Phase.FETCHING)
        await self._cache.fetch(self._job)
        await self._workspace.prepare(self._cache)
        self._publisher = Publisher(
            self._client, self._job, self._workspace.git, self._workspace.spool
        )
        if self._workspace.resumed:
            self._story.system("Taken up from the work tree that an interrupted run left.")
        if conflicts := self._workspace.marker.conflicts:
            listed = ", ".join(conflicts[:20])
            self._story.system(f"{self._job.base} moved on and conflicts in: {listed}")

    async def _set_up(self) -> None:
        if not self._job.setup or self._workspace.resumed:
            return
        self._story.phase(Phase.SETUP)
        env = agent_env(self._config.host_env, card_env=self._card_env(), home=self._workspace.home)
        view = self._view(env, certificate_paths(env))
        await run_setup(self._sandbox, self._job.setup, view, self._story, self._job.limits.setup_s)

    async def _run_agent(self) -> Result:
        """Let the agent work to its end or to a stop."""
        self._story.phase(Phase.WORKING)
        agent = registry.get(self._job.agent)
        task = await self._task()
        launch = await asyncio.to_thread(agent.launch, task)
        conversation = self._conversation = agent.converse(task)
        self._redactor = Redactor([*self._secrets, *launch.secrets])
        self._outbox.use(self._redactor)
        self._story.user(task.prompt)
        run = self._agent_run = self._new_run(launch, conversation)
        async with self._beside(self._checkpointer().run(run.turn_ended)):
            view = self._view(launch.env, launch.read_only)
            code = await run.run(self._sandbox, view)
        self._agent_run = None
        outcome = conversation.outcome(code)
        session = outcome.session or conversation.session
        if session is not None:
            self._workspace.remember_session(session)
        return Result(
            stop_reason=outcome.stop_reason,
            error=outcome.error and self._redactor.text(outcome.error),
            usage=outcome.usage,
            session=session,
        )

    async def _task(self) -> AgentTask:
        """What the agent's driver is given. A session is only resumed where its files are."""
        marker, job = self._workspace.marker, self._job
        wanted = marker.session or job.resume.session
        session = wanted if wanted == self._workspace.known_session else None
        return AgentTask(
            prompt=await brief.write_prompt(job, self._cache, marker.conflicts),
            worktree=self._workspace.tree,
            home=self._workspace.home,
            session=session,
            new_session=str(uuid.uuid4()),
            options=job.agent_options,
            host_env=self._config.host_env,
            card_env=self._card_env(),
            trusted=job.trusted,
        )

    def _new_run(self, launch: Launch, conversation: Conversation) -> AgentRun:
        return AgentRun(
            launch,
            conversation,
            outbox=self._outbox,
            story=self._story,
            redactor=self._redactor,
            limits=self._job.limits,
            stop=self._stop,
            unsaid=self._unsaid,
        )

    def _view(self, env: Any, read_only: tuple[Any, ...]) -> View:
        space = self._workspace
        return View(
            cwd=space.tree,
            env=env,
            writable=(space.tree, space.home),
            read_only=(space.git.cache, *read_only),
        )

    def _card_env(self) -> dict[str, str]:
        return brief.card_variables(self._job, self._workspace.marker.conflicts)

    def _checkpointer(self) -> Checkpointer:
        if self._publisher is None:
            raise GitFailed("There is no work tree yet.")
        return Checkpointer(
            self._client,
            self._job,
            self._workspace.git,
            self._publisher,
            self._story,
            self._session,
        )

    def _session(self) -> str | None:
        """The agent's session, noted so that another process can resume it."""
        session = None if self._conversation is None else self._conversation.session
        marker = self._workspace.marker
        if session is not None and marker.session != session:
            self._workspace.remember_session(session)
            marker.session = session
            self._workspace.save()
        return session

    def _closing(self) -> Closing:
        checkpointer = None if self._publisher is None else self._checkpointer()
        return Closing(
            self._client,
            self._job,
            self._workspace,
            self._publisher,
            checkpointer,
            self._story,
            self._outbox,
            self._state,
        )

    def _handle(self, command: Command) -> None:
        """A command of a person or of the server."""
        self._state.heard(command.id)
        if command.type == "cancel":
            self._stop.request(Cause.CANCELLED)
        elif command.type == "drain":
            self._draining.set()
        elif self._agent_run is not None:
            self._agent_run.tell(command)
        else:
            self._unsaid.append(command)

    @contextlib.asynccontextmanager
    async def _background(self) -> AsyncIterator[None]:
        """Send the log and listen, for as long as the block lasts."""
        listening = control.listen(self._client, self._job, self._state.heard_up_to, self._handle)
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
            self._stop.request(Cause.FENCED)
        except ServerAbsent:
            self._stop.request(Cause.ABSENT)
        except (Refused, TooLarge) as error:
            log.error("attempt.refused", job=self._job.job_id, error=str(error))
            self._stop.request(Cause.FENCED)
