"""Images: whether they are there, and what to do when they are not."""

from __future__ import annotations

from typing import Final

from lazyaf.domain.errors import Unavailable
from lazyaf.pools.docker.config import DockerPoolConfig
from lazyaf.pools.docker.engine import Engine

BUILD: Final = "Build it with `make image` in LazyAF's repository; the pool notices by itself."
OWN_IMAGE: Final = "Pull or build it on this machine (`docker pull`); the pool notices by itself."


class ImageMissing(Unavailable):
    """The engine has no such image, and none is pulled behind anyone's back."""

    def __init__(self, name: str, fix: str) -> None:
        super().__init__(f"The engine has no image {name}.")
        self.fix = fix


async def require_image(engine: Engine, name: str, config: DockerPoolConfig) -> str:
    """The image's id. Raises `ImageMissing`."""
    found = await engine.image(name)
    if found is None:
        own = name in (config.containers.image, config.egress_image)
        raise ImageMissing(name, BUILD if own else OWN_IMAGE)
    return str(found["Id"])
