"""Whether the engine can make containers as a person wants them, before any that works is given up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lazyaf.domain.errors import Invalid
from lazyaf.pools.docker.config import DockerPoolConfig
from lazyaf.pools.docker.engine import Engine
from lazyaf.pools.docker.images import ImageMissing, require_image
from lazyaf.pools.docker.spec import MB


async def require_possible(
    engine: Engine, config: DockerPoolConfig, changes: Mapping[str, Any]
) -> None:
    """Raises `Invalid` that names the value which this engine cannot give."""
    processors, memory = await engine.room()
    if (changes.get("cpus") or 0) > processors:
        raise Invalid.field("cpus", f"The engine's machine has {processors} processors.")
    if (changes.get("memory_mb") or 0) * MB > memory:
        raise Invalid.field(
            "memory_mb", f"The engine's machine has {memory // MB} megabytes of memory."
        )
    if changes.get("image"):
        try:
            await require_image(engine, changes["image"], config)
        except ImageMissing as missing:
            raise Invalid.field("image", f"{missing.detail} {missing.fix}") from None
