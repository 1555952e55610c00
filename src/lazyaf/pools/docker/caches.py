"""Caches of large repositories, which containers for their jobs have mounted read-only (ADR 45).

Each is a volume with a bare repository of the branches and tags, filled by a container without a network
from what the server gives. That container stays: having ended well it stands for the volume being whole. A
cache is never written again. One that has fallen far behind is replaced, and goes when nobody has it
mounted any more; until then the rest comes over HTTP.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import structlog

from lazyaf.domain.errors import LazyafError, Unavailable
from lazyaf.pools.docker import labels, spec
from lazyaf.pools.docker.config import DockerPoolConfig
from lazyaf.pools.docker.engine import Engine
from lazyaf.pools.docker.images import require_image
from lazyaf.pools.docker.labels import Role
from lazyaf.pools.docker.recipe import Recipe
from lazyaf.pools.docker.server import Server

log = structlog.get_logger(__name__)

FILL_S: Final = 3600.0
GROWN: Final = 1.25
"""How many times as large as when its cache was made a repository may be, before a newer one is made."""
AGAIN_S: Final = 600.0
"""Seconds before one that failed is tried again. Jobs do without it meanwhile."""
TIDY_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Made:
    """A whole cache, and how many bytes its repository had then."""

    cached: spec.Cached
    size: int
    container_id: str


class Caches:
    """Those in one engine, for as long as its connection lasts. ``done`` is called when there is another."""

    def __init__(
        self,
        engine: Engine,
        config: DockerPoolConfig,
        recipe: Recipe,
        server: Server,
        done: Callable[[], None],
    ) -> None:
        self._engine = engine
        self._config = config
        self._recipe = recipe
        self._server = server
        self._done = done
        self._made: dict[str, Made] = {}
        self._begun: dict[str, asyncio.Task[None]] = {}
        self._not_before: dict[str, float] = {}
        self._one_at_a_time = asyncio.Lock()
        self._tidied = 0.0

    @property
    def tasks(self) -> list[asyncio.Task[None]]:
        """What is going on."""
        return list(self._begun.values())

    def of(self, repo_id: str) -> spec.Cached | None:
        """The newest cache of this repository."""
        made = self._made.get(repo_id)
        return None if made is None else made.cached

    async def find(self) -> None:
        """Take up what an earlier server left, and remove what is not whole. Raises `Unavailable`."""
        for found in await self._engine.containers(self._ours()):
            told = await self._engine.inspect(found["Id"])
            made = None if told is None else _whole(told)
            if made is not None:
                self._made.setdefault(made.cached.repo_id, made)  # the newest is told first
        await self.tidy()

    async def keep(self, large: Mapping[str, int]) -> None:
        """Begin to make what is missing for these repositories, of so many bytes. Raises `Unavailable`."""
        now = asyncio.get_running_loop().time()
        for repo_id, size in large.items():
            made = self._made.get(repo_id)
            is_fresh = made is not None and size <= made.size * GROWN
            is_quiet = now >= self._not_before.get(repo_id, 0)
            if not is_fresh and is_quiet and repo_id not in self._begun:
                self._not_before[repo_id] = now + AGAIN_S
                self._begun[repo_id] = asyncio.create_task(self._make(repo_id, size))
        if now - self._tidied > TIDY_S:
            await self.tidy()

    async def tidy(self) -> None:
        """Remove those of repositories that are gone, those that are not whole, that newer ones replaced or
        that are not trusted, and their volumes as soon as nobody has them mounted."""
        self._tidied = asyncio.get_running_loop().time()
        cacheable = await self._server.cacheable()
        for repo_id in self._made.keys() - cacheable:
            del self._made[repo_id]
        self._server.cached(self._made.keys())
        if self._begun:  # its volume is nobody's yet
            return
        standing = {made.container_id for made in self._made.values()}
        for found in await self._engine.containers(self._ours()):
            if found["Id"] not in standing:
                await self._remove(found["Id"])
        named = {made.cached.volume for made in self._made.values()}
        for volume in await self._engine.volumes(self._ours()):
            if volume not in named:
                await self._remove_volume(volume)

    def distrust(self, repo_id: str) -> None:
        """A container with it was of no use: do without for a while."""
        self._not_before[repo_id] = asyncio.get_running_loop().time() + AGAIN_S
        if self._made.pop(repo_id, None) is not None:
            log.warning("cache_distrusted", repo=repo_id)
            self._server.cached(self._made.keys())

    async def _make(self, repo_id: str, size: int) -> None:
        name = labels.cache_name(self._config.server_id, repo_id, secrets.token_hex(3))
        cached = spec.Cached(repo_id, name)
        try:
            async with self._one_at_a_time:
                container_id = await self._fill(cached, size)
        except LazyafError as problem:
            log.warning("cache_failed", repo=repo_id, reason=problem.detail)
            return
        finally:
            self._begun.pop(repo_id, None)
        log.info("cache_made", repo=repo_id, size=size)
        self._made[repo_id] = Made(cached, size, container_id)
        self._not_before.pop(repo_id, None)
        self._server.cached(self._made.keys())
        self._done()

    async def _fill(self, cached: spec.Cached, size: int) -> str:
        """The container that filled it. Leaves nothing half made."""
        image = self._recipe.containers.image
        await require_image(self._engine, image, self._config)
        body = spec.cache(self._config, image, cached, size)
        container_id = await self._engine.create(cached.volume, body)
        try:
            stream = self._server.bundle(cached.repo_id)
            code, said = await self._engine.feed(container_id, stream, FILL_S)
            if code != 0:
                raise Unavailable(f"It could not be filled: {said or f'code {code}'}")
        except BaseException:
            await asyncio.shield(self._remove(container_id))
            await asyncio.shield(self._remove_volume(cached.volume))
            raise
        return container_id

    async def _remove(self, container_id: str) -> None:
        """What does not go now is found again. A cache is no reason for the pool not to work."""
        with contextlib.suppress(Unavailable):
            await self._engine.remove(container_id)

    async def _remove_volume(self, name: str) -> None:
        with contextlib.suppress(Unavailable):
            await self._engine.remove_volume(name)

    def _ours(self) -> dict[str, list[str]]:
        return labels.of_server(self._config.server_id, Role.CACHE)


def _whole(told: dict[str, Any]) -> Made | None:
    """The cache that this container filled, if it came to its end."""
    said, state = told["Config"]["Labels"], told["State"]
    size, repo_id = said.get(labels.MADE_OF, ""), said.get(labels.REPO)
    if state["Status"] != "exited" or state["ExitCode"] != 0 or not size.isdigit() or not repo_id:
        return None
    return Made(spec.Cached(repo_id, told["Name"].removeprefix("/")), int(size), told["Id"])
