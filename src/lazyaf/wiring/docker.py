"""Puts the pool of containers together, and answers what it asks of the server."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import AsyncGenerator, Collection, Sequence
from dataclasses import replace

from lazyaf import __version__
from lazyaf.agents import registry
from lazyaf.domain.containers import Coming, Containers
from lazyaf.domain.errors import NotFound
from lazyaf.domain.runners import PoolKind, RunnerEnd
from lazyaf.pools.docker import DockerPool, DockerPoolConfig
from lazyaf.runner.config import host_environment
from lazyaf.services.blocked_hosts import note_blocked
from lazyaf.services.context import Context
from lazyaf.services.large_repos import LargeRepos
from lazyaf.services.own_images import coming, note_preparing, refuse_image
from lazyaf.services.pool_tokens import make_pool_token, stray_pool_tokens
from lazyaf.services.reap import lose_runner
from lazyaf.services.runner_panel import chosen_containers, wanted_count
from lazyaf.services.runners import busy_runners, drain_runner
from lazyaf.services.supply_job import allowances
from lazyaf.services.tokens import fresh_secret
from lazyaf.settings import Settings
from lazyaf.store.queue import repos_at_hand
from lazyaf.store.runners import list_runners
from lazyaf.store.tx import Tx
from lazyaf.web.credentials import Credentials
from lazyaf.wiring.door import Door

DOOR_PORT = 8766
ID_CHARACTERS = 8
MB = 1_000_000


async def make_docker_pool(
    settings: Settings, ctx: Context, credentials: Credentials, door: Door
) -> DockerPool:
    """The pool; it has not started yet."""
    environ = host_environment(os.environ)
    ctx.supplies.needs = lambda agent: registry.get(agent).needs(environ)
    promised = {name for agent in registry.AGENTS.values() for name in agent.needs(environ).env}
    host, _, port = (settings.runner_bind or "").partition(":")
    config = DockerPoolConfig(
        server_id=ctx.epoch[-ID_CHARACTERS:],
        containers=Containers(
            image=settings.runner_image,
            memory_mb=settings.runner_memory_mb,
            cpus=settings.runner_cpus,
            pids=settings.runner_pids,
            disk_mb=settings.runner_disk_mb,
        ),
        egress_image=settings.egress_image,
        docker_host=settings.docker_host,
        bind_host=host or None,
        bind_port=int(port or DOOR_PORT),
        subnets=settings.runner_subnets,
        version=__version__,
        promised=sorted(promised),
    )
    chosen = await ctx.db.read(chosen_containers, PoolKind.DOCKER.value)
    asked = await ctx.db.read(wanted_count, PoolKind.DOCKER.value)
    count = settings.runners if asked is None else asked
    least = settings.runner_cache_mb * MB or None
    large = LargeRepos(ctx.git, least, time.monotonic)
    pool = DockerPool(config, count, chosen, PoolServer(ctx, credentials, door, large))
    ctx.supplies.exits[PoolKind.DOCKER.value] = pool
    ctx.supplies.own_images = True
    return pool


class PoolServer:
    """The server as the pool sees it (`lazyaf.pools.docker.server.Server`)."""

    def __init__(
        self, ctx: Context, credentials: Credentials, door: Door, large: LargeRepos
    ) -> None:
        self._ctx = ctx
        self._credentials = credentials
        self._door = door
        self._large = large

    async def open_door(self, host: str, port: int) -> int:
        """Listen for runners there."""
        return await self._door.open(host, port)

    async def new_token(self, runner: str) -> tuple[str, str]:
        """Id and text of a token for one registration."""
        ctx = self._ctx
        token_id, secret = ctx.new_id(), fresh_secret("runner")
        await ctx.db.write(make_pool_token, token_id, runner, secret, ctx.clock.now())
        return token_id, secret

    async def revoke(self, token_id: str) -> None:
        """Make it useless."""
        with contextlib.suppress(NotFound):
            await self._credentials.revoke(token_id)

    async def keep_tokens(self, token_ids: Collection[str]) -> None:
        """Revoke every token of this pool but these."""
        for stray in await self._ctx.db.read(stray_pool_tokens, token_ids):
            await self.revoke(stray)

    async def lost(self, runner: str, end: RunnerEnd) -> None:
        """Its job goes back."""
        await lose_runner(self._ctx, runner, end)

    async def drain(self, runner: str) -> None:
        """Give it no job any more."""
        await self._ctx.db.write(drain_runner, runner)

    async def names(self) -> set[str]:
        """The runners of the pool that the server knows."""
        return await self._ctx.db.read(_names)

    async def allowances(self) -> dict[str, tuple[str, Sequence[str]]]:
        """What those who are at work may reach."""
        ctx = self._ctx
        found = await ctx.db.read(allowances, PoolKind.DOCKER.value, ctx.supplies.needs)
        return {name: (each.job_id, each.hosts) for name, each in found.items()}

    async def blocked(self, job_id: str, host: str, times: int) -> None:
        """Count it on the job."""
        with contextlib.suppress(NotFound):
            await self._ctx.db.write(note_blocked, job_id, host, times)

    async def coming(self, limit: int) -> Coming:
        """What is needed next."""
        db = self._ctx.db
        found = await db.read(coming, limit, self._ctx.supplies.cached)
        return replace(found, large=await self._large.among(await db.read(repos_at_hand)))

    async def cacheable(self) -> set[str]:
        """The repositories that may have a cache."""
        return await self._large.all()

    def cached(self, repo_ids: Collection[str]) -> None:
        """These have one."""
        self._ctx.supplies.cached = frozenset(repo_ids)

    def bundle(self, repo_id: str) -> AsyncGenerator[bytes, None]:
        """Of what one is made."""
        return self._large.bundle(repo_id)

    async def preparing(self, images: Collection[str]) -> None:
        """The cards that wait for these images say so."""
        await self._ctx.db.write(note_preparing, PoolKind.DOCKER.value, sorted(images))

    async def refuse(self, image: str, why: str, agent: str | None = None) -> None:
        """The jobs that wait for this image fail."""
        await refuse_image(self._ctx, image, why, agent)

    async def busy(self) -> set[str]:
        """Those with a job."""
        return await self._ctx.db.read(busy_runners)


def _names(tx: Tx) -> set[str]:
    return {r.name for r in list_runners(tx) if r.pool == PoolKind.DOCKER.value}
