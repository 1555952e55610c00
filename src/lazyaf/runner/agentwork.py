"""The working phase: launch the agent's driver, run it and judge the outcome.

When the model takes no more work until a time that it tells, the job waits for that time and the agent
goes on in its session: nothing has failed. The wait does not count against the job's limit.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import structlog

from lazyaf.agents import registry
from lazyaf.agents.base import Agent, Conversation, Launch, Outcome
from lazyaf.agents.base import AgentRun as AgentTask
from lazyaf.agents.environment import laid_over
from lazyaf.domain.errors import GitFailed
from lazyaf.domain.jobs import StopReason
from lazyaf.domain.runners import Isolation
from lazyaf.protocol.entries import IDLE, UNHEARD, Usage, add_usage
from lazyaf.protocol.messages import Command
from lazyaf.runner import brief
from lazyaf.runner.agentrun import AgentRun
from lazyaf.runner.bench import Bench
from lazyaf.runner.mailbox import Post
from lazyaf.runner.marker import Result
from lazyaf.runner.memory import RAN_OUT, OomWatch

log = structlog.get_logger(__name__)

GO_ON: Final = "The limit that stopped you is over. Go on where you stopped."
MARGIN_S: Final = 2.0
"""After the time that the model tells, so that no clock has to agree with it to the second."""
LOOK_S: Final = 30.0
"""How often a waiting job looks at the clock."""
WAIT_MAX_S: Final = 24 * 3600.0
"""For all waits of one attempt. What takes longer is told as a failure, with its reason."""


class AgentWork:
    """One agent at work. Commands that come before it has begun are kept for it."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._post = Post(bench.mailbox, bench.story, bench.state)
        self._is_over = False
        self._run: AgentRun | None = None
        self._conversation: Conversation | None = None
        self.turn_ended = asyncio.Event()
        self.has_begun = False
        """The agent's process was started, so there may be work of its."""
        self.paused_s = 0.0
        """How long the job waits for the model in all, to the end of the present wait."""
        self._waited_s = 0.0
        self._waits_since: float | None = None

    @property
    def waited_s(self) -> float:
        """How long the job has waited for the model, until now."""
        since = self._waits_since
        now = asyncio.get_running_loop().time()
        return self._waited_s + (0.0 if since is None else now - since)

    @property
    def waits(self) -> bool:
        """It waits for the model now."""
        return self._waits_since is not None

    async def run(self) -> Result:
        """See the agent to its end, or to a stop. Raises `Invalid` when it cannot be launched, and
        `Stopped` when a stop comes while it waits for the model or for an earlier conversation."""
        agent = registry.get(self._bench.job.agent)
        task = await self._task()
        used: Usage | None = None
        if self._bench.workspace.marker.waits_until is not None:
            task = await self._wait_on(task, task.session)
        while True:
            outcome = await self._once(agent, task)
            used = add_usage(used, outcome.usage)
            if outcome.session_refused and task.session is not None:
                self._bench.story.system("The agent cannot read its earlier conversation.")
                task = replace(task, prompt=await self._prompt_anew(), session=None)
                continue
            wait = self._wait_for(outcome)
            if wait is None:
                return self._result(outcome, used)
            self._note_wait(time.time() + wait, outcome.session)
            task = await self._wait_on(task, outcome.session)

    def _wait_for(self, outcome: Outcome) -> float | None:
        """Seconds until the model takes work again, when waiting is what the job should do."""
        if outcome.resets_at is None or self._bench.stop.cause is not None:
            return None
        wait = max(outcome.resets_at - time.time(), 0) + MARGIN_S
        return wait if self.paused_s + wait <= WAIT_MAX_S else None

    async def _wait_on(self, task: AgentTask, session: str | None) -> AgentTask:
        """Wait for the time that is noted beside the tree, and what the agent is told then. A process
        that follows this one waits for the rest of it."""
        space = self._bench.workspace
        until = space.marker.waits_until or 0.0
        at = datetime.fromtimestamp(until, UTC)
        self._bench.story.waiting(
            f"The model's limit is reached. The job waits until {at:%H:%M} UTC, then it goes on.",
            at.isoformat(timespec="seconds"),
        )
        self.paused_s += max(until - time.time(), 0)
        self._waits_since = asyncio.get_running_loop().time()
        try:
            while (
                left := until - time.time()
            ) > 0:  # the wall clock, which goes on while a laptop sleeps
                await self._bench.stop.race(asyncio.sleep(min(left, LOOK_S)))
        finally:
            self._waited_s, self._waits_since = self.waited_s, None
        self._note_wait(None, session)
        self._bench.story.goes_on("The limit is over; the agent goes on.")
        return replace(task, prompt=GO_ON if session else task.prompt, session=session)

    def _note_wait(self, until: float | None, session: str | None) -> None:
        marker = self._bench.workspace.marker
        marker.waits_until = until
        marker.session = session or marker.session
        self._bench.workspace.save()

    async def _once(self, agent: Agent, task: AgentTask) -> Outcome:
        bench = self._bench
        launch = await asyncio.to_thread(agent.launch, task)
        conversation = self._conversation = agent.converse(task)
        bench.redact_also(launch.secrets)
        bench.story.user(task.prompt)
        run = self._run = self._new_run(launch, conversation)
        self.has_begun = True
        memory = OomWatch()
        shown = (*launch.read_only, *bench.attachments.shown)
        code = await run.run(bench.sandbox, bench.view(launch.env, shown))
        self._run = None
        self._post.waiting += run.unheard
        outcome = _of_memory(conversation.outcome(code), memory, bench.sandbox.isolation)
        session = outcome.session or conversation.session
        if session is not None:
            bench.workspace.remember_session(session)
        return replace(outcome, session=session)

    def _result(self, outcome: Outcome, used: Usage | None) -> Result:
        return Result(
            stop_reason=outcome.stop_reason,
            error=outcome.error and self._bench.redactor.text(outcome.error),
            usage=used,
            session=outcome.session,
        )

    def tell(self, command: Command) -> None:
        """Pass a person's words on, now or as soon as the agent can hear them; say so when it cannot."""
        if self._run is not None:
            self._run.tell(command)
        elif self._is_over:
            self._post.refuse(command, UNHEARD)
        elif command.type == "interrupt":
            self._post.refuse(command, IDLE)
        else:
            self._post.waiting.append(command)

    def end(self) -> None:
        """No agent hears anything any more in this attempt."""
        self._is_over = True
        for command in self._post.waiting:
            self._post.refuse(command, UNHEARD)
        self._post.waiting.clear()

    def session(self) -> str | None:
        """The agent's session, noted beside the tree so that another process can resume it."""
        space = self._bench.workspace
        session = space.marker.session if self._conversation is None else self._conversation.session
        if session is not None and space.marker.session != session:
            space.remember_session(session)
            space.marker.session = session
            space.save()
        return session

    async def _task(self) -> AgentTask:
        """What the driver is given. A session is only resumed where its file is, or can be brought."""
        bench, job = self._bench, self._bench.job
        wanted = bench.workspace.marker.session or job.resume.session
        session = await bench.stop.race(bench.sessions.resume(wanted))
        is_anew = wanted is not None and session is None
        return AgentTask(
            prompt=await (self._prompt_anew() if is_anew else self._prompt()),
            worktree=bench.workspace.tree,
            home=bench.workspace.home,
            session=session,
            new_session=str(uuid.uuid4()),
            options=job.agent_options,
            host_env=laid_over(bench.config.host_env, job.agent_env),
            card_env={**bench.attachments.variables, **bench.card_env()},
            trusted=job.trusted,
        )

    async def _prompt(self) -> str:
        bench = self._bench
        conflicts = bench.workspace.marker.conflicts
        return await brief.write_prompt(
            bench.job, bench.cache, conflicts, attachments=bench.attachments.files
        )

    async def _prompt_anew(self) -> str:
        """The prompt of a conversation that takes the place of one that is lost."""
        bench = self._bench
        bench.story.system("It begins a new conversation, and is told what was done so far.")
        try:
            done = await brief.done_so_far(bench.job, bench.cache)
        except GitFailed as error:  # it can look for itself
            log.warning("prompt.without_history", job=bench.job.job_id, error=str(error))
            done = None
        conflicts = bench.workspace.marker.conflicts
        return await brief.write_prompt(
            bench.job, bench.cache, conflicts, done, attachments=bench.attachments.files
        )

    def _new_run(self, launch: Launch, conversation: Conversation) -> AgentRun:
        bench = self._bench
        return AgentRun(
            launch,
            conversation,
            outbox=bench.outbox,
            story=bench.story,
            redactor=bench.redactor,
            limits=bench.job.limits,
            stop=bench.stop,
            post=self._post,
            turn_ended=self.turn_ended,
        )


def _of_memory(outcome: Outcome, memory: OomWatch, isolation: Isolation) -> Outcome:
    """A failure in a container in which the memory ran out meanwhile has that for its reason."""
    failed = outcome.stop_reason is StopReason.AGENT_FAILED
    if failed and isolation is Isolation.CONTAINER and memory.has_struck():
        return replace(outcome, stop_reason=StopReason.OUT_OF_MEMORY, error=RAN_OUT)
    return outcome
