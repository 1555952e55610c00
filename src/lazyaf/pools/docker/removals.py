"""How containers go: sent away when there are too many of them or they are outdated, ended when they are
mute, removed when they are dead.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

import structlog

from lazyaf.domain.errors import Unavailable
from lazyaf.pools.docker.background import Background
from lazyaf.pools.docker.caches import Caches
from lazyaf.pools.docker.egress import Egress
from lazyaf.pools.docker.engine import Engine
from lazyaf.pools.docker.recipe import Recipe
from lazyaf.pools.docker.runner_containers import RunnerContainer, RunnerContainers
from lazyaf.pools.docker.server import Server
from lazyaf.pools.docker.trouble import Trouble

log = structlog.get_logger(__name__)

REGISTER_S: Final = 60.0
"""Seconds within which a container must have registered."""
SAVE_S: Final = 10.0
"""What a busy runner gets to save when a person sends it away."""


class Removals:
    """The pool's. ``engine`` is the one that answers now, ``caches`` those in it; without one runners are only
    told to take no more jobs. ``done`` is called after each."""

    def __init__(
        self,
        containers: RunnerContainers,
        recipe: Recipe,
        server: Server,
        egress: Egress,
        trouble: Trouble,
        background: Background,
        done: Callable[[], None],
    ) -> None:
        self.engine: Engine | None = None
        self.caches: Caches | None = None
        self._containers = containers
        self._recipe = recipe
        self._server = server
        self._egress = egress
        self._trouble = trouble
        self._background = background
        self._done = done

    async def remove_surplus(self, target: int, *, now: bool) -> None:
        """Send away what is more than this many, those first that have nothing to do. With ``now`` also
        those that were to finish their job."""
        staying = self._containers.staying
        busy = await self._server.busy()
        staying.sort(key=lambda container: (container.runner in busy, -container.slot))
        leaving = staying[: max(0, len(staying) - target)]
        if now:
            leaving += [container for container in self._containers if container.is_leaving]
        for container in leaving:
            await self.retire(container, now=now)

    async def replace_outdated(self) -> None:
        """Replace those that wait and are made of something else than counts now. One that works ends with
        its job anyway."""
        outdated = [
            container
            for container in self._containers.staying
            if container.made_of != self._recipe.of(container.kind.image)
        ]
        busy = await self._server.busy() if outdated else set()
        for container in outdated:
            if container.runner not in busy:
                await self.retire(container)

    async def retire(self, container: RunnerContainer, *, now: bool = False) -> None:
        """Let it take no job any more; one that has none, or may not finish it, leaves at once."""
        container.is_leaving = True
        await self._server.drain(container.runner)
        is_busy = container.runner in await self._server.busy()
        if self.engine is None or (is_busy and not now):
            return
        container.is_sent_away = True
        # An idle one has nothing to save, and one that is only starting would not hear of SIGTERM.
        self._background.run(_end(self.engine, container, SAVE_S if is_busy else 0))

    def end_unregistered(self) -> None:
        """End those that did not come to the server in time."""
        now = asyncio.get_running_loop().time()
        for container in self._containers:
            if (
                not container.is_registered
                and now - container.launched_at > REGISTER_S
                and self.engine is not None
            ):
                container.launched_at = now
                self._trouble.set_back(
                    Unavailable(
                        f"A runner's container did not reach the server within {REGISTER_S:g} s. Does a "
                        "firewall of this machine keep containers from it?"
                    )
                )
                self._background.run(_end(self.engine, container, 0))

    def clear_up(self, container: RunnerContainer, exit_code: int | None) -> None:
        """A container has died: its job goes back at once, then what is left of it goes."""
        self._background.run(self._clear_up(container, exit_code))

    async def _clear_up(self, container: RunnerContainer, exit_code: int | None) -> None:
        log.info(
            "runner_ended", name=container.runner, code=exit_code, out_of_memory=container.ran_out
        )
        await self._server.lost(container.runner, container.end)
        engine = self.engine
        if engine is not None:
            if exit_code and not container.is_leaving and not container.is_registered:
                await self._blame(engine, container, exit_code)
            with contextlib.suppress(Unavailable):
                await engine.remove(container.container_id)
        await self._server.revoke(container.token_id)
        with contextlib.suppress(OSError, RuntimeError):
            await self._egress.forget(container.address)
        self._containers.drop(container)
        self._done()

    async def _blame(self, engine: Engine, container: RunnerContainer, exit_code: int) -> None:
        """One that never came to the server: say what it said, and be slower to try again."""
        words = ""
        with contextlib.suppress(Unavailable):
            words = await engine.last_words(container.container_id)
        what = (
            f"A runner's container ended with code {exit_code} before it came to the server. "
            f"Its last words: {words or 'none'}"
        )
        if container.kind.cache is not None and self.caches is not None:
            self.caches.distrust(container.kind.cache)
        if container.kind.image is not None:
            about = f"{what} It was of the image {container.kind.image}."
            await self._server.refuse(container.kind.image, about)
            return
        self._trouble.set_back(Unavailable(what))


async def _end(engine: Engine, container: RunnerContainer, grace_s: float) -> None:
    with contextlib.suppress(Unavailable):
        if grace_s:
            await engine.stop(container.container_id, grace_s)
        else:
            await engine.kill(container.container_id)
