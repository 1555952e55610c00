"""How containers go: sent away when there are too many of them or they are outdated, ended when they are
mute, buried when they are dead.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

import structlog

from lazyaf.domain.errors import Unavailable
from lazyaf.pools.docker.boxes import Box, Boxes
from lazyaf.pools.docker.caches import Caches
from lazyaf.pools.docker.egress import Egress
from lazyaf.pools.docker.engine import Engine
from lazyaf.pools.docker.errands import Errands
from lazyaf.pools.docker.recipe import Recipe
from lazyaf.pools.docker.server import Server
from lazyaf.pools.docker.trouble import Trouble

log = structlog.get_logger(__name__)

REGISTER_S: Final = 60.0
"""Seconds within which a container must have registered."""
SAVE_S: Final = 10.0
"""What a busy runner gets to save when a person sends it away."""


class Departures:
    """The pool's. ``engine`` is the one that answers now, ``caches`` those in it; without one runners are only
    told to take no more jobs. ``done`` is called after each burial."""

    def __init__(
        self,
        boxes: Boxes,
        recipe: Recipe,
        server: Server,
        egress: Egress,
        trouble: Trouble,
        errands: Errands,
        done: Callable[[], None],
    ) -> None:
        self.engine: Engine | None = None
        self.caches: Caches | None = None
        self._boxes = boxes
        self._recipe = recipe
        self._server = server
        self._egress = egress
        self._trouble = trouble
        self._errands = errands
        self._done = done

    async def of_surplus(self, target: int, *, now: bool) -> None:
        """Send away what is more than this many, those first that have nothing to do. With ``now`` also
        those that were to finish their job."""
        staying = self._boxes.staying
        busy = await self._server.busy()
        staying.sort(key=lambda box: (box.runner in busy, -box.slot))
        leaving = staying[: max(0, len(staying) - target)]
        if now:
            leaving += [box for box in self._boxes if box.is_leaving]
        for box in leaving:
            await self.of(box, now=now)

    async def of_outdated(self) -> None:
        """Replace those that wait and are made of something else than counts now. One that works ends with
        its job anyway."""
        outdated = [
            box for box in self._boxes.staying if box.made_of != self._recipe.of(box.kind.image)
        ]
        busy = await self._server.busy() if outdated else set()
        for box in outdated:
            if box.runner not in busy:
                await self.of(box)

    async def of(self, box: Box, *, now: bool = False) -> None:
        """Let it take no job any more; one that has none, or may not finish it, leaves at once."""
        box.is_leaving = True
        await self._server.drain(box.runner)
        is_busy = box.runner in await self._server.busy()
        if self.engine is None or (is_busy and not now):
            return
        box.is_sent_away = True
        # An idle one has nothing to save, and one that is being born would not hear of SIGTERM.
        self._errands.run(_end(self.engine, box, SAVE_S if is_busy else 0))

    def of_mute_ones(self) -> None:
        """End those that did not come to the server in time."""
        now = asyncio.get_running_loop().time()
        for box in self._boxes:
            if not box.is_registered and now - box.born > REGISTER_S and self.engine is not None:
                box.born = now
                self._trouble.set_back(
                    Unavailable(
                        f"A runner's container did not reach the server within {REGISTER_S:g} s. Does a "
                        "firewall of this machine keep containers from it?"
                    )
                )
                self._errands.run(_end(self.engine, box, 0))

    def bury(self, box: Box, exit_code: int | None) -> None:
        """A container has died: its job goes back at once, then what is left of it goes."""
        self._errands.run(self._bury(box, exit_code))

    async def _bury(self, box: Box, exit_code: int | None) -> None:
        log.info("runner_ended", name=box.runner, code=exit_code, out_of_memory=box.ran_out)
        await self._server.lost(box.runner, box.end)
        engine = self.engine
        if engine is not None:
            if exit_code and not box.is_leaving and not box.is_registered:
                await self._blame(engine, box, exit_code)
            with contextlib.suppress(Unavailable):
                await engine.remove(box.container_id)
        await self._server.revoke(box.token_id)
        with contextlib.suppress(OSError, RuntimeError):
            await self._egress.forget(box.address)
        self._boxes.drop(box)
        self._done()

    async def _blame(self, engine: Engine, box: Box, exit_code: int) -> None:
        """One that never came to the server: say what it said, and be slower to try again."""
        words = ""
        with contextlib.suppress(Unavailable):
            words = await engine.last_words(box.container_id)
        what = (
            f"A runner's container ended with code {exit_code} before it came to the server. "
            f"Its last words: {words or 'none'}"
        )
        if box.kind.cache is not None and self.caches is not None:
            self.caches.distrust(box.kind.cache)
        if box.kind.image is not None:
            about = f"{what} It was of the image {box.kind.image}."
            await self._server.refuse(box.kind.image, about)
            return
        self._trouble.set_back(Unavailable(what))


async def _end(engine: Engine, box: Box, grace_s: float) -> None:
    with contextlib.suppress(Unavailable):
        if grace_s:
            await engine.stop(box.container_id, grace_s)
        else:
            await engine.kill(box.container_id)
