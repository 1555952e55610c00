"""Holds what stands in the engine against what the server knows, at each new connection: what lives is
adopted, what is dead goes, and the server hears of those who are no more.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import structlog

from lazyaf.domain.containers import Kind
from lazyaf.domain.errors import Unavailable
from lazyaf.domain.runners import RunnerEnd
from lazyaf.pools.docker import labels
from lazyaf.pools.docker.egress import Egress
from lazyaf.pools.docker.engine import Engine
from lazyaf.pools.docker.provisioner import Provisioner
from lazyaf.pools.docker.recipe import Recipe
from lazyaf.pools.docker.runner_containers import RunnerContainer, RunnerContainers
from lazyaf.pools.docker.server import Server

log = structlog.get_logger(__name__)


async def reconcile(
    engine: Engine,
    provisioner: Provisioner,
    recipe: Recipe,
    server: Server,
    containers: RunnerContainers,
    egress: Egress,
) -> None:
    """Bring ``containers`` and the server up to date with the engine. Raises `Unavailable`."""
    ended = RunnerEnd.WITH_ENGINE if list(containers) else RunnerEnd.WITH_SERVER
    found = []
    for described in await provisioner.runners():
        container = await _adoptable(engine, provisioner, recipe, described)
        if container is None:
            await engine.remove(described["Id"])
            continue
        found.append(container)
        log.info("runner_adopted", name=container.runner)
    containers.found_again(found)
    alive = {container.runner for container in containers}
    registered = await server.names()
    for container in containers:
        container.is_registered = container.runner in registered
    for name in registered - alive:
        await server.lost(name, ended)
    await _open_again(server, containers, egress)
    await server.keep_tokens({container.token_id for container in containers})


async def _adoptable(
    engine: Engine, provisioner: Provisioner, recipe: Recipe, found: dict[str, Any]
) -> RunnerContainer | None:
    said = found["Labels"]
    slot, runner, token = labels.slot_of(said), said.get(labels.RUNNER), said.get(labels.TOKEN)
    if found["State"] != "running" or slot is None or not runner or not token:
        return None
    now = asyncio.get_running_loop().time()
    _, where = await provisioner.cell(slot)
    kind = Kind(said.get(labels.IMAGE), said.get(labels.REPO))
    is_current = said.get(labels.MADE_OF) == await recipe.fingerprint(engine, kind.image)
    made_of = recipe.of(kind.image) if is_current else None
    return RunnerContainer(slot, runner, found["Id"], where.runner, token, kind, made_of, now)


async def _open_again(server: Server, containers: RunnerContainers, egress: Egress) -> None:
    """Those who are at work may reach what they could; a proxy that died meanwhile has forgotten it."""
    ways = await server.allowances()
    for container in containers:
        container.job_id, hosts = ways.get(container.runner, (None, ()))
        with contextlib.suppress(Unavailable):
            await egress.allow(container.address, hosts)
