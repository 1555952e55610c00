"""Makes containers with runners in them, several at once, each known to the pool from the moment it runs."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable

from lazyaf.domain.containers import Kind
from lazyaf.domain.errors import Unavailable
from lazyaf.pools.docker.caches import Caches
from lazyaf.pools.docker.preparing import Preparing
from lazyaf.pools.docker.provisioner import Provisioner
from lazyaf.pools.docker.recipe import Recipe
from lazyaf.pools.docker.runner_containers import RunnerContainer, RunnerContainers
from lazyaf.pools.docker.server import Server
from lazyaf.pools.docker.trouble import Trouble


class Launches:
    """For one connection to the engine. ``died_early`` is called with one that died before it was known, and
    with its exit code; ``done`` after each launch."""

    def __init__(
        self,
        provisioner: Provisioner,
        recipe: Recipe,
        server: Server,
        images: Preparing,
        caches: Caches,
        containers: RunnerContainers,
        trouble: Trouble,
        *,
        died_early: Callable[[RunnerContainer, int | None], None],
        done: Callable[[], None],
    ) -> None:
        self._provisioner = provisioner
        self._recipe = recipe
        self._server = server
        self._images = images
        self._caches = caches
        self._containers = containers
        self._trouble = trouble
        self._died_early = died_early
        self._done = done
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._launching: dict[int, Kind] = {}
        self._early: dict[str, int | None] = {}

    def __contains__(self, slot: int) -> bool:
        return slot in self._tasks

    @property
    def tasks(self) -> list[asyncio.Task[None]]:
        """What is going on."""
        return list(self._tasks.values())

    @property
    def kinds(self) -> list[Kind]:
        """Of what containers are being made."""
        return list(self._launching.values())

    def begin(self, slot: int, kind: Kind) -> None:
        """Make one of this kind in this slot."""
        self._launching[slot] = kind
        self._tasks[slot] = asyncio.create_task(self._launch(slot, kind))

    def unknown_died(self, container_id: str, exit_code: int | None) -> None:
        """The engine tells of a death that nobody knows: it may be of one whose launch is not over."""
        if self._tasks:
            self._early[container_id] = exit_code

    async def _launch(self, slot: int, kind: Kind) -> None:
        token_id = None
        try:
            own = None if kind.image is None else await self._images.own(kind.image)
            cached = None if kind.cache is None else self._caches.of(kind.cache)
            if (own is None) != (kind.image is None) or (cached is None) != (kind.cache is None):
                return  # it is gone since it was found ready
            runner = f"docker-{slot}"
            token_id, token = await self._server.new_token(runner)
            placement = await self._provisioner.placement(slot, runner, token_id)
            launched_at = asyncio.get_running_loop().time()
            made_of = self._recipe.of(kind.image)
            said = f"{token}\n".encode()
            suffix = secrets.token_hex(3)
            container_id = await self._provisioner.make_runner(
                placement, made_of, suffix, said, own, cached
            )
            address = placement.places.runner
            container = RunnerContainer(
                slot, runner, container_id, address, token_id, kind, made_of, launched_at
            )
            self._containers.put(container)
            if container_id in self._early:
                self._died_early(container, self._early[container_id])
        except Unavailable as problem:
            if token_id is not None:
                await self._server.revoke(token_id)
            self._trouble.set_back(problem)
        finally:
            self._tasks.pop(slot, None)
            self._launching.pop(slot, None)
            if not self._tasks:
                self._early.clear()
            self._done()
