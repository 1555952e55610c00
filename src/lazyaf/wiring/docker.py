"""Puts the pool of containers together, and answers what it asks of the server."""

from __future__ import annotations

import contextlib
from collections.abc import Collection

from lazyaf import __version__
from lazyaf.domain.errors import NotFound
from lazyaf.domain.runners import PoolKind, RunnerEnd, RunnerStatus
from lazyaf.pools.docker import DockerPool, DockerPoolConfig, Limits
from lazyaf.services.context import Context
from lazyaf.services.pool_tokens import make_pool_token, stray_pool_tokens
from lazyaf.services.reap import lose_runner
from lazyaf.services.runner_panel import wanted_count
from lazyaf.services.runners import drain_runner
from lazyaf.services.tokens import fresh_secret
from lazyaf.settings import Settings
from lazyaf.store.runners import list_runners
from lazyaf.store.tx import Tx
from lazyaf.web.credentials import Credentials
from lazyaf.wiring.door import Door

RUNNER_PORT = 8766
ID_CHARACTERS = 8


async def make_docker_pool(
    settings: Settings, ctx: Context, credentials: Credentials, door: Door
) -> DockerPool:
    """The pool; it has not started yet."""
    host, _, port = (settings.runner_bind or "").partition(":")
    config = DockerPoolConfig(
        server_id=ctx.epoch[-ID_CHARACTERS:],
        image=settings.runner_image,
        egress_image=settings.egress_image,
        docker_host=settings.docker_host,
        bind_host=host or None,
        bind_port=int(port or RUNNER_PORT),
        subnets=settings.runner_subnets,
        version=__version__,
    )
    limits = Limits(
        memory_mb=settings.runner_memory_mb,
        cpus=settings.runner_cpus,
        pids=settings.runner_pids,
        disk_mb=settings.runner_disk_mb,
    )
    asked = await ctx.db.read(wanted_count, PoolKind.DOCKER.value)
    count = settings.runners if asked is None else asked
    return DockerPool(config, count, limits, PoolServer(ctx, credentials, door))


class PoolServer:
    """The server as the pool sees it (`lazyaf.pools.docker.server.Server`)."""

    def __init__(self, ctx: Context, credentials: Credentials, door: Door) -> None:
        self._ctx = ctx
        self._credentials = credentials
        self._door = door

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

    async def busy(self) -> set[str]:
        """Those with a job."""
        return await self._ctx.db.read(_busy)


def _names(tx: Tx) -> set[str]:
    return {r.name for r in list_runners(tx) if r.pool == PoolKind.DOCKER.value}


def _busy(tx: Tx) -> set[str]:
    return {
        r.name
        for r in list_runners(tx)
        if r.current_job_id is not None and r.status != RunnerStatus.OFFLINE.value
    }
