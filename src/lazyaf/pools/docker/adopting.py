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
from lazyaf.pools.docker.boxes import Box, Boxes
from lazyaf.pools.docker.egress import Egress
from lazyaf.pools.docker.engine import Engine
from lazyaf.pools.docker.recipe import Recipe
from lazyaf.pools.docker.server import Server
from lazyaf.pools.docker.shop import Shop

log = structlog.get_logger(__name__)


async def reconcile(
    engine: Engine, shop: Shop, recipe: Recipe, server: Server, boxes: Boxes, egress: Egress
) -> None:
    """Bring ``boxes`` and the server up to date with the engine. Raises `Unavailable`."""
    ended = RunnerEnd.WITH_ENGINE if list(boxes) else RunnerEnd.WITH_SERVER
    found = []
    for container in await shop.runners():
        box = await _adoptable(engine, shop, recipe, container)
        if box is None:
            await engine.remove(container["Id"])
            continue
        found.append(box)
        log.info("runner_adopted", name=box.runner)
    boxes.found_again(found)
    alive = {box.runner for box in boxes}
    registered = await server.names()
    for box in boxes:
        box.is_registered = box.runner in registered
    for name in registered - alive:
        await server.lost(name, ended)
    await _open_again(server, boxes, egress)
    await server.keep_tokens({box.token_id for box in boxes})


async def _adoptable(
    engine: Engine, shop: Shop, recipe: Recipe, found: dict[str, Any]
) -> Box | None:
    said = found["Labels"]
    slot, runner, token = labels.slot_of(said), said.get(labels.RUNNER), said.get(labels.TOKEN)
    if found["State"] != "running" or slot is None or not runner or not token:
        return None
    now = asyncio.get_running_loop().time()
    _, where = await shop.cell(slot)
    kind = Kind(said.get(labels.IMAGE), said.get(labels.REPO))
    is_current = said.get(labels.MADE_OF) == await recipe.fingerprint(engine, kind.image)
    made_of = recipe.of(kind.image) if is_current else None
    return Box(slot, runner, found["Id"], where.runner, token, kind, made_of, now)


async def _open_again(server: Server, boxes: Boxes, egress: Egress) -> None:
    """Those who are at work may reach what they could; a proxy that died meanwhile has forgotten it."""
    ways = await server.allowances()
    for box in boxes:
        box.job_id, hosts = ways.get(box.runner, (None, ()))
        with contextlib.suppress(Unavailable):
            await egress.allow(box.address, hosts)
