"""The life of a runner: register, claim, work, claim again, until it is told to leave."""

from __future__ import annotations

import asyncio
import time
from typing import Final

import structlog

from lazyaf import __version__
from lazyaf.agents import registry
from lazyaf.domain.errors import LeaseLost
from lazyaf.domain.runners import MISSED_BEATS
from lazyaf.protocol import VERSION
from lazyaf.protocol.messages import Job, RegisterRequest
from lazyaf.runner import aftermath, heartbeat, room, tidying
from lazyaf.runner.attempt import Attempt
from lazyaf.runner.bench import Bench
from lazyaf.runner.client import Refused, ServerClient
from lazyaf.runner.config import RunnerConfig
from lazyaf.runner.sandbox import Sandbox
from lazyaf.runner.spare import Spares
from lazyaf.runner.state import State
from lazyaf.runner.stop import Cause, Stop, Stopped

log = structlog.get_logger(__name__)

NAME_TAKEN: Final = "runner_name_taken"
NAME_WAIT_S: Final = 2.0
NAME_TRIES: Final = 60


class Loop:
    """One runner. `run` once; `leave` from a signal handler."""

    def __init__(
        self, config: RunnerConfig, client: ServerClient, sandbox: Sandbox, state: State
    ) -> None:
        self._config = config
        self._client = client
        self._sandbox = sandbox
        self._state = state
        self._leaving = Stop()
        self._job_stop: Stop | None = None
        self._draining = asyncio.Event()
        self._spares = Spares(config, sandbox)
        self._shortage: str | None = None

    def leave(self) -> None:
        """Save what is under way and go, within seconds (rule R17)."""
        self._draining.set()
        self._leaving.request(Cause.LEAVING)
        if self._job_stop is not None:
            self._job_stop.request(Cause.LEAVING)

    def drain(self) -> None:
        """Finish the running job, take no new one and go."""
        self._draining.set()
        if self._job_stop is None:
            self._leaving.request(Cause.LEAVING)

    async def run(self) -> None:
        """Return when told to leave, or after one job with ``once``. Raises `ServerAbsent` when the
        server was away too long, `Refused` when it will not have this runner."""
        try:
            await self._leaving.race(self._register())
        except Stopped:
            return
        self._heard()
        beating = asyncio.ensure_future(
            heartbeat.beat(self._client, self._draining, self._heard, self.drain)
        )
        keeping = asyncio.ensure_future(
            tidying.keep_tidy(self._config, self._client, self._sandbox)
        )
        try:
            while not self._draining.is_set():
                if not await self._has_room():
                    continue
                job = await self._claim()
                if job is not None:
                    await self._work(job)
                    if self._config.once and job.ended is None:
                        return
        finally:
            beating.cancel()
            keeping.cancel()
            await asyncio.gather(beating, keeping, self._spares.close(), return_exceptions=True)

    def _heard(self) -> None:
        self._state.connected_until(time.time() + MISSED_BEATS * self._client.heartbeat_s)

    async def _register(self) -> None:
        """Say who this is. A name whose former process the server still believes in is waited for:
        after a kill -9 its lease must run out first."""
        request = await self._registration()
        for left in reversed(range(NAME_TRIES)):
            try:
                answer = await self._client.register(request)
            except Refused as refusal:
                if refusal.code != NAME_TAKEN or left == 0:
                    raise
                log.info("runner.name_in_use", name=self._config.name)
                await asyncio.sleep(NAME_WAIT_S)
                continue
            log.info("runner.registered", name=self._config.name, runner=answer.runner_id)
            return

    async def _registration(self) -> RegisterRequest:
        config = self._config
        known = {**dict.fromkeys(config.promised, "comes with the job"), **config.host_env}
        offers = await asyncio.to_thread(registry.offers, known)
        return RegisterRequest(
            name=config.name,
            instance_id=config.instance_id,
            version=__version__,
            protocol=VERSION,
            labels=list(config.labels),
            agents=room.withheld(offers, self._shortage) if self._shortage else offers,
            isolation=self._sandbox.isolation,
            pool=config.pool,
            container_id=config.container_id,
            image=config.image,
            repo_id=config.repo_id,
            current_job_id=self._state.job_id,
            replaces=self._state.former_instance,
        )

    async def _has_room(self) -> bool:
        """Whether there is room for a job, or one under way; if not, after a moment. The server is told
        of each change."""
        if self._state.job_id is not None:
            return True
        found = await asyncio.to_thread(room.shortage, self._config.work_dir, self._config.reserve)
        is_new = (found is None) != (self._shortage is None)
        self._shortage = found
        try:
            if is_new:
                log.warning("runner.disk", shortage=found)
                await self._leaving.race(self._register())
            if found is not None:
                await self._leaving.race(asyncio.sleep(room.LOOK_S))
        except Stopped:
            return False
        return found is None

    async def _claim(self) -> Job | None:
        """A job, or None after a wait without one or when told to leave."""
        try:
            job = await self._leaving.race(self._client.claim(self._state.claim_id))
        except Stopped:
            return None
        except LeaseLost:
            job = None
        if job is None:
            self._state.done()
        return job

    async def _work(self, job: Job) -> None:
        log.info("job.claimed", job=job.job_id, attempt=job.attempt)
        self._state.began(job)
        stop = self._job_stop = Stop()
        if self._leaving.cause is not None:
            stop.request(self._leaving.cause)
        try:
            bench = Bench.of(
                self._config, self._client, self._sandbox, self._state, job, stop, self._spares
            )
            if job.ended is None:
                await Attempt(bench, self._draining).run()
            else:
                await aftermath.settle(bench)
        finally:
            self._job_stop = None
