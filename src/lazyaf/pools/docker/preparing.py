"""Sees to the repositories' images beside the pool's work: nobody makes room for an image that is still
being pulled, and one that is of no use fails the jobs that wait for it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from lazyaf.domain.containers import Coming
from lazyaf.domain.errors import Unavailable
from lazyaf.pools.docker.own import ImageUnfit, OwnImages
from lazyaf.pools.docker.recipe import Recipe
from lazyaf.pools.docker.server import Server
from lazyaf.pools.docker.spec import OwnImage
from lazyaf.pools.docker.trouble import Trouble


class Preparing:
    """For one connection to the engine. ``coming`` says which jobs are next, ``done`` is called after each
    image."""

    def __init__(
        self,
        images: OwnImages,
        recipe: Recipe,
        server: Server,
        trouble: Trouble,
        coming: Callable[[], Awaitable[Coming]],
        done: Callable[[], None],
    ) -> None:
        self._images = images
        self._recipe = recipe
        self._server = server
        self._trouble = trouble
        self._coming = coming
        self._done = done
        self._ready: set[str] = set()
        self._begun: dict[str, asyncio.Task[None]] = {}

    @property
    def tasks(self) -> list[asyncio.Task[None]]:
        """What is going on."""
        return list(self._begun.values())

    def is_ready(self, image: str) -> bool:
        """Whether containers can be made of this image. If not, what that takes begins."""
        if image not in self._ready and image not in self._begun and self._trouble.is_over:
            self._begun[image] = asyncio.create_task(self._prepare(image))
        return image in self._ready

    async def _prepare(self, image: str) -> None:
        try:
            await self._server.preparing(self._begun.keys())
            if await self._own(image) is not None:
                self._ready.add(image)
        except Unavailable as problem:
            self._trouble.set_back(problem)
        finally:
            self._begun.pop(image, None)
            self._done()
            with contextlib.suppress(Unavailable):  # a database that is away
                await self._server.preparing(self._begun.keys())

    async def own(self, image: str) -> OwnImage | None:
        """What a container of a ready image is made with; None when it does not do any more. Raises
        `Unavailable`."""
        own = await self._own(image)
        if own is None:
            self._ready.discard(image)
        return own

    async def _own(self, image: str) -> OwnImage | None:
        """None when there is no job for it any more, because nothing can run in it."""
        try:
            own, fitness = await self._images.ready(image, self._recipe.containers.image)
        except ImageUnfit as unfit:
            await self._server.refuse(image, unfit.detail)
            return None
        for agent, why in fitness.agents.items():
            about = f"The agent {agent} cannot run in the image {image} that this repository names. {why}"
            await self._server.refuse(image, about, agent)
        if not fitness.agents:
            return own
        coming = await self._coming()
        return own if any(kind.image == image for kind in coming.kinds or ()) else None
