"""Of what containers are made now: the settings, with what a person chose over them."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from lazyaf.domain.containers import Containers, choose
from lazyaf.domain.errors import Unavailable
from lazyaf.pools.docker import spec
from lazyaf.pools.docker.config import DockerPoolConfig
from lazyaf.pools.docker.engine import Engine
from lazyaf.pools.docker.images import require_image


class Recipe:
    """The pool's. It changes while the pool works."""

    def __init__(self, config: DockerPoolConfig, chosen: Mapping[str, Any]) -> None:
        self._config = config
        self._chosen = chosen
        self.containers = config.containers.with_chosen(chosen)

    def change(self, changes: Mapping[str, Any]) -> None:
        """Let these choices count, those to None no more."""
        self._chosen = choose(self._chosen, changes)
        self.containers = self._config.containers.with_chosen(self._chosen)

    def of(self, image: str | None) -> Containers:
        """For the pool's own image, or for a repository's."""
        return self.containers if image is None else replace(self.containers, image=image)

    async def fingerprint(self, engine: Engine, image: str | None) -> str:
        """What a container that is made now is labelled with."""
        wanted, image_id = self.of(image), ""
        with contextlib.suppress(Unavailable):
            image_id = await require_image(engine, wanted.image, self._config)
        return spec.fingerprint(image_id, wanted, self._config)

    def describe(self) -> dict[str, object]:
        """What the panel shows of it."""
        return {
            "containers": asdict(self.containers),
            "default_containers": asdict(self._config.containers),
        }
