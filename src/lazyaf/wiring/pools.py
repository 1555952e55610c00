"""Puts together where runners come from."""

from __future__ import annotations

from collections.abc import Sequence

from lazyaf.domain.errors import Unavailable
from lazyaf.domain.ports import Pool
from lazyaf.domain.runners import Isolation, PoolKind, RunnerEnd
from lazyaf.pools.process import ProcessPool, ProcessPoolConfig, this_program
from lazyaf.runner.isolation import detect
from lazyaf.services.context import Context
from lazyaf.services.reap import lose_runner
from lazyaf.services.runner_panel import wanted_count
from lazyaf.services.runners import (
    busy_runners,
    drain_runner,
    present_runners,
    runner_restarts,
)
from lazyaf.settings import Settings
from lazyaf.web.credentials import Credentials
from lazyaf.wiring.care import probe_config
from lazyaf.wiring.door import Door
from lazyaf.wiring.tokens import runner_token_file


async def make_pools(
    settings: Settings, ctx: Context, credentials: Credentials, base_url: str, door: Door
) -> Sequence[Pool]:
    """The pools that the settings ask for; none has started yet. Raises `Unavailable`."""
    if settings.pool == "none":
        return ()
    if settings.pool == "docker":
        return (await _docker_pool(settings, ctx, credentials, door),)
    return (await _process_pool(settings, ctx, base_url),)


async def _docker_pool(
    settings: Settings, ctx: Context, credentials: Credentials, door: Door
) -> Pool:
    try:
        from lazyaf.wiring.docker import make_docker_pool
    except ModuleNotFoundError as error:  # the extra's libraries, which the other pools do not need
        raise Unavailable(
            f"The pool of containers needs {error.name}. Install it with `pip install 'lazyaf[docker]'`."
        ) from None
    return await make_docker_pool(settings, ctx, credentials, door)


async def _process_pool(settings: Settings, ctx: Context, base_url: str) -> Pool:
    async def lost(name: str, end: RunnerEnd) -> None:
        await lose_runner(ctx, name, end)

    async def restart(name: str) -> None:
        await ctx.db.write(runner_restarts, name)

    async def drain(name: str) -> None:
        await ctx.db.write(drain_runner, name)

    config = ProcessPoolConfig(
        argv=this_program(),
        server_url=base_url,
        token_file=runner_token_file(settings),
        root=settings.data_dir / "runners",
        work_dir=settings.agents_dir,
        isolation=settings.isolation,
        detected=await _isolation(settings),
        hide=settings.data_dir,
    )
    asked = await ctx.db.read(wanted_count, "process")
    count = settings.runners if asked is None else asked
    return ProcessPool(
        config,
        count,
        on_lost=lost,
        on_restart=restart,
        on_drain=drain,
        known=lambda: ctx.db.read(present_runners, PoolKind.PROCESS),
        busy=lambda: ctx.db.read(busy_runners),
    )


async def _isolation(settings: Settings) -> Isolation:
    """What the local runners will have around their agents, for the panel."""
    return (await detect(probe_config(settings))).isolation
