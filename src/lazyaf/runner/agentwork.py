"""The working phase: launch the agent's driver, run it, checkpoint beside it and judge the outcome."""

from __future__ import annotations

import asyncio
import uuid

from lazyaf.agents import registry
from lazyaf.agents.base import AgentRun as AgentTask
from lazyaf.agents.base import Conversation, Launch
from lazyaf.protocol.messages import Command
from lazyaf.runner import brief
from lazyaf.runner.agentrun import AgentRun
from lazyaf.runner.bench import Bench
from lazyaf.runner.marker import Result


class AgentWork:
    """One agent at work. Commands that come before it has begun are kept for it."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._early: list[Command] = []
        self._run: AgentRun | None = None
        self._conversation: Conversation | None = None
        self.turn_ended = asyncio.Event()

    async def run(self) -> Result:
        """See the agent to its end, or to a stop. Raises `Invalid` when it cannot be launched."""
        bench = self._bench
        agent = registry.get(bench.job.agent)
        task = await self._task()
        launch = await asyncio.to_thread(agent.launch, task)
        conversation = self._conversation = agent.converse(task)
        bench.redact_also(launch.secrets)
        bench.story.user(task.prompt)
        run = self._run = self._new_run(launch, conversation)
        code = await run.run(bench.sandbox, bench.view(launch.env, launch.read_only))
        self._run = None
        outcome = conversation.outcome(code)
        session = outcome.session or conversation.session
        if session is not None:
            bench.workspace.remember_session(session)
        return Result(
            stop_reason=outcome.stop_reason,
            error=outcome.error and bench.redactor.text(outcome.error),
            usage=outcome.usage,
            session=session,
        )

    def tell(self, command: Command) -> None:
        """Pass a person's words on, now or as soon as the agent can hear them."""
        if self._run is None:
            self._early.append(command)
        else:
            self._run.tell(command)

    def session(self) -> str | None:
        """The agent's session, noted beside the tree so that another process can resume it."""
        session = None if self._conversation is None else self._conversation.session
        space = self._bench.workspace
        if session is not None and space.marker.session != session:
            space.remember_session(session)
            space.marker.session = session
            space.save()
        return session

    async def _task(self) -> AgentTask:
        """What the driver is given. A session is only resumed where its files are."""
        bench, job = self._bench, self._bench.job
        wanted = bench.workspace.marker.session or job.resume.session
        known = bench.workspace.known_session
        if wanted is not None and wanted != known:
            bench.story.system(
                "The agent's earlier conversation is not on this machine; it begins a new one."
            )
        return AgentTask(
            prompt=await brief.write_prompt(job, bench.cache, bench.workspace.marker.conflicts),
            worktree=bench.workspace.tree,
            home=bench.workspace.home,
            session=wanted if wanted == known else None,
            new_session=str(uuid.uuid4()),
            options=job.agent_options,
            host_env=bench.config.host_env,
            card_env=bench.card_env(),
            trusted=job.trusted,
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
            early=self._early,
            turn_ended=self.turn_ended,
        )
