"""Images that repositories name: sees that one is there, that a runner can work in it, and that the runner
stands in a volume which is mounted into its containers.

The volume is filled by the engine from the pool's own image. A container that never runs stands for it
being full: the engine knows of none when it died while it copied.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import structlog

from lazyaf.domain.errors import Unavailable
from lazyaf.pools.docker import labels, spec
from lazyaf.pools.docker.config import DockerPoolConfig
from lazyaf.pools.docker.engine import Engine, EngineRefused
from lazyaf.pools.docker.images import require_image
from lazyaf.pools.docker.labels import Role
from lazyaf.pools.docker.spec import OwnImage

log = structlog.get_logger(__name__)

PULL_S: Final = 1800.0
COMPLAINT_MAX: Final = 500


class ImageUnfit(Unavailable):
    """No runner can be in this image; the sentence says why and what to do."""


@dataclass(frozen=True, slots=True)
class Fitness:
    """What `lazyaf.runner.fitness` found: by agent why it cannot run in the image."""

    agents: Mapping[str, str]


class OwnImages:
    """The repositories' images in one engine, for as long as its connection lasts."""

    def __init__(self, engine: Engine, config: DockerPoolConfig) -> None:
        self._engine = engine
        self._config = config
        self._making = asyncio.Lock()
        self._fit: dict[tuple[str, str], Fitness] = {}

    async def ready(self, name: str, pools_own: str) -> tuple[OwnImage, Fitness]:
        """What containers of this image are made with. ``pools_own`` is the image that brings the runner.
        Raises `ImageUnfit`."""
        runner_id = await require_image(self._engine, pools_own, self._config)
        async with self._making:
            found = await self._found(name)
            volume = await self._filled(runner_id, pools_own)
            image = OwnImage(
                name=name,
                id=str(found["Id"]),
                env=tuple((found.get("Config") or {}).get("Env") or ()),
                volumes=tuple((found.get("Config") or {}).get("Volumes") or ()),
                runtime=volume,
            )
            key = (image.id, runner_id)
            if key not in self._fit:
                self._fit[key] = await self._examine(image)
            return image, self._fit[key]

    async def _found(self, name: str) -> dict[str, Any]:
        found = await self._engine.image(name)
        if found is not None:
            return found
        log.info("image_pulled", name=name)
        try:
            await self._engine.pull(name, PULL_S)
            found = await self._engine.image(name)
        except EngineRefused as refused:
            raise _missing(name, refused.detail) from None
        if found is None:
            raise _missing(name, "the registry gave another one")
        return found

    async def _filled(self, runner_id: str, pools_own: str) -> str:
        """The volume with the runner of this image, full. Those of other images go."""
        volume = labels.volume_name(self._config.server_id, runner_id)
        kept = False
        for found in await self._engine.containers(self._of(Role.RUNTIME)):
            if found["Labels"].get(labels.MADE_OF) == runner_id:
                kept = True
            else:
                await self._engine.remove(found["Id"])
        for name in await self._engine.volumes(self._of(Role.RUNTIME)):
            if name != volume or not kept:
                await self._engine.remove_volume(name)
        if not kept:
            body = spec.runtime(self._config, pools_own, runner_id, volume)
            name = labels.container_name(Role.RUNTIME, self._config.server_id)
            await self._engine.create(name, body)
        return volume

    def _of(self, role: Role) -> dict[str, list[str]]:
        return labels.of_server(self._config.server_id, role)

    async def _examine(self, image: OwnImage) -> Fitness:
        name = labels.container_name(Role.CHECK, self._config.server_id)
        for left in await self._engine.containers(self._of(Role.CHECK)):
            await self._engine.remove(left["Id"])
        try:
            code, said, complaint = await self._engine.run(name, spec.check(self._config, image))
        except EngineRefused as refused:
            code, said, complaint = -1, "", refused.detail
        if code != 0:
            raise ImageUnfit(
                f"LazyAF's runner does not start in the image {image.name} that this repository names: "
                f"{complaint[-COMPLAINT_MAX:] or f'it ended with code {code}'}"
            )
        answer: dict[str, Any] = {}
        with contextlib.suppress(ValueError):
            answer = json.loads(said)
        if answer.get("problems"):
            raise ImageUnfit(
                f"No job can run in the image {image.name} that this repository names. "
                f"{' '.join(answer['problems'])} Put it into the image, then retry."
            )
        unfit = {agent: why for agent, why in (answer.get("agents") or {}).items() if why}
        return Fitness(unfit)


def _missing(name: str, words: str) -> ImageUnfit:
    return ImageUnfit(
        f"The engine has no image {name}, which this repository names, and could not pull it: {words} "
        "Pull or build it on the server's machine, or name another one, then retry."
    )
