"""Caches that cannot be made or are of no use, with an engine that is only played: the real one does not fail
when it is asked to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from typing import Any, cast

from lazyaf.domain.containers import Containers
from lazyaf.pools.docker.caches import Caches
from lazyaf.pools.docker.config import DockerPoolConfig
from lazyaf.pools.docker.engine import Engine, EngineRefused
from lazyaf.pools.docker.recipe import Recipe
from lazyaf.pools.docker.server import Server

CONFIG = DockerPoolConfig(
    server_id="0badcafe",
    containers=Containers("lazyaf-runner:latest"),
    egress_image="lazyaf-egress:latest",
    docker_host=None,
    bind_host=None,
    bind_port=8766,
    subnets="198.18.0.0/15",
    version="1",
)


class PlayedEngine:
    """Fills a volume with this exit code."""

    def __init__(self, code: int) -> None:
        self.code = code
        self.filled = 0
        self.standing: list[str] = []
        self.volumes_left: list[str] = []

    async def image(self, name: str) -> dict[str, Any]:
        return {"Id": f"sha256:{name}"}

    async def create(self, name: str, _: dict[str, Any]) -> str:
        self.standing.append(name)
        self.volumes_left.append(name)
        return name

    async def feed(self, _: str, stream: AsyncGenerator[bytes, None], __: float) -> tuple[int, str]:
        self.filled += 1
        assert [chunk async for chunk in stream] == [b"bundle"]
        return self.code, "no space left on device"

    async def containers(self, _: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
        return [{"Id": name} for name in self.standing]

    async def volumes(self, _: Mapping[str, Sequence[str]]) -> list[str]:
        return list(self.volumes_left)

    async def remove(self, container_id: str) -> None:
        self.standing.remove(container_id)

    async def remove_volume(self, name: str) -> None:
        if name in self.standing:
            raise EngineRefused("volume is in use", 500)
        self.volumes_left.remove(name)


class PlayedServer:
    """Knows one repository, and what it was told of caches."""

    def __init__(self) -> None:
        self.told: list[set[str]] = []

    async def cacheable(self) -> set[str]:
        return {"large"}

    def cached(self, repo_ids: Collection[str]) -> None:
        self.told.append(set(repo_ids))

    async def bundle(self, _: str) -> AsyncGenerator[bytes, None]:
        yield b"bundle"


async def made(code: int) -> tuple[PlayedEngine, PlayedServer, Caches]:
    """After the pool has heard of a large repository, and its cache was tried."""
    engine, server = PlayedEngine(code), PlayedServer()
    recipe = Recipe(CONFIG, {})
    done = asyncio.Event()
    caches = Caches(cast("Engine", engine), CONFIG, recipe, cast("Server", server), done=done.set)
    await caches.keep({"large": 100})
    await asyncio.gather(*caches.tasks)
    return engine, server, caches


async def test_one_that_cannot_be_filled_leaves_nothing_and_is_not_tried_at_once() -> None:
    engine, server, caches = await made(code=1)
    assert caches.of("large") is None
    assert (engine.standing, engine.volumes_left) == ([], [])
    await caches.keep({"large": 100})
    assert (caches.tasks, engine.filled) == ([], 1)
    assert {"large"} not in server.told


async def test_one_that_is_of_no_use_is_given_up_and_goes() -> None:
    engine, server, caches = await made(code=0)
    assert caches.of("large") is not None
    assert server.told[-1] == {"large"}
    caches.distrust("large")
    assert caches.of("large") is None
    assert server.told[-1] == set()
    await caches.keep({"large": 100})
    assert caches.tasks == []
    await caches.tidy()
    assert (engine.standing, engine.volumes_left) == ([], [])


async def test_one_of_a_repository_that_has_grown_is_replaced() -> None:
    engine, _, caches = await made(code=0)
    first = caches.of("large")
    await caches.keep({"large": 120})
    assert caches.tasks == []
    await caches.keep({"large": 130})
    assert caches.of("large") == first, "jobs do with the older one meanwhile"
    await asyncio.gather(*caches.tasks)
    second = caches.of("large")
    assert second is not None
    assert second != first
    await caches.tidy()
    assert engine.volumes_left == [second.volume]
