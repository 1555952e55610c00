"""Keeps N containers alive, each for one job: starts them before they are needed, hears of a death at
once, adopts what lives at start, and heals by itself when the engine was away.

One task, `_keep`, decides everything; births and departures are its children. The engine's truth is read
again at every connection, so nothing here must survive a crash.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

import structlog

from lazyaf.domain.containers import Coming, Kind
from lazyaf.domain.errors import Unavailable
from lazyaf.domain.events import EventType, NewEvent
from lazyaf.domain.runners import Isolation, PoolKind
from lazyaf.pools.docker import labels
from lazyaf.pools.docker.adopting import reconcile
from lazyaf.pools.docker.ahead import make_cells
from lazyaf.pools.docker.births import Births
from lazyaf.pools.docker.blocked import Blocked
from lazyaf.pools.docker.boxes import Boxes
from lazyaf.pools.docker.caches import Caches
from lazyaf.pools.docker.config import MAX_COUNT, DockerPoolConfig
from lazyaf.pools.docker.departures import Departures
from lazyaf.pools.docker.egress import Egress
from lazyaf.pools.docker.engine import Engine, EngineAbsent, Happening
from lazyaf.pools.docker.errands import Errands
from lazyaf.pools.docker.labels import Role
from lazyaf.pools.docker.own import OwnImages
from lazyaf.pools.docker.planning import plan
from lazyaf.pools.docker.possible import require_possible
from lazyaf.pools.docker.preparing import Preparing
from lazyaf.pools.docker.recipe import Recipe
from lazyaf.pools.docker.server import Server
from lazyaf.pools.docker.shop import GATES, Shop
from lazyaf.pools.docker.trouble import Trouble

log = structlog.get_logger(__name__)

RETRY_S: Final = 1.0
TICK_S: Final = 1.0
GATE_LOOKS: Final = 5
"""Ticks in which relay and proxy are looked at after one of them died: the engine tells of a death a little
before it lists it, and does not restart what a person killed."""
TALK_AGAIN_S: Final = 0.2
STIRRING: Final = frozenset(
    {
        EventType.JOB_QUEUED,
        EventType.JOB_CLAIMED,
        EventType.JOB_REQUEUED,
        EventType.JOB_FINISHED,
        EventType.REPO_UPDATED,
        EventType.SETTINGS_UPDATED,
    }
)
"""After these other kinds of containers may be needed, where there are any."""
STOP_S: Final = 3.0
"""What a runner gets to save when the server leaves (rules.md R17)."""


class DockerPool:
    """See the module. ``server`` is whom it works for."""

    kind = PoolKind.DOCKER

    def __init__(
        self, config: DockerPoolConfig, count: int, chosen: Mapping[str, Any], server: Server
    ) -> None:
        self._config = config
        self._target = count
        self._recipe = Recipe(config, chosen)
        self._server = server
        self._boxes = Boxes()
        self._trouble = Trouble()
        self._nudged = asyncio.Event()
        self._kinds_matter = False
        self._repos_went = False
        self._gates_to_look_at = 0
        errands = Errands()
        self._blocked = Blocked(server, errands)
        self._egress = Egress(self._refused)
        self._departures = Departures(
            self._boxes,
            self._recipe,
            server,
            self._egress,
            self._trouble,
            errands,
            self._nudged.set,
        )
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin; the engine may come later."""
        self._task = asyncio.create_task(self._keep(), name="docker-pool")

    async def scale(self, count: int, *, now: bool = False) -> None:
        """Ask for this many. Surplus ones finish their job, or with ``now`` save it and leave."""
        self._target = min(count, MAX_COUNT)
        await self._departures.of_surplus(self._target, now=now)
        self._nudged.set()

    async def remake(self, changes: Mapping[str, Any]) -> None:
        """Make containers otherwise from now on. Those that wait are replaced, busy ones finish first."""
        if self._departures.engine is not None:
            await require_possible(self._departures.engine, self._config, changes)
        self._recipe.change(changes)
        self._trouble.try_again()
        self._nudged.set()

    async def open(self, runner: str, job_id: str, hosts: Sequence[str]) -> None:
        """Let the container of this runner reach these hosts for its job (`lazyaf.domain.ports.Exits`)."""
        box = self._boxes.named(runner)
        if box is None:
            raise Unavailable(f"The container of {runner} is not known (yet). Ask again.")
        box.job_id = job_id
        await self._egress.allow(box.address, hosts)

    def _refused(self, address: str, host: str) -> None:
        """The proxy sent somebody away."""
        box = self._boxes.at(address)
        if box is not None and box.job_id is not None:
            self._blocked.count(box.job_id, host)

    def describe(self) -> dict[str, object]:
        """What the panel shows of this pool."""
        problem = self._trouble.problem
        return {
            "kind": self.kind.value,
            "target": self._target,
            "available": problem is None,
            "reason": None if problem is None else problem.detail,
            "fix": getattr(problem, "fix", None),
            "isolation": Isolation.CONTAINER.value,
            "max_count": MAX_COUNT,
            "server_id": self._config.server_id,
            **self._recipe.describe(),
        }

    def heard(self, events: Sequence[NewEvent]) -> None:
        """Note which runners have come to the server, and that a job may want a container of another kind,
        or that a cache is not wanted any more."""
        for event in events:
            if event.type is EventType.REPO_DELETED:
                self._repos_went = True
                self._nudged.set()
            if self._kinds_matter and event.type in STIRRING:
                self._nudged.set()
            if event.type is EventType.RUNNER_REGISTERED:
                self._registered(event.actor.name)

    def _registered(self, runner: str) -> None:
        box = self._boxes.named(runner)
        if box is not None:
            box.is_registered = True
            self._trouble.end()

    async def stop(self) -> None:
        """Let every runner save what it has, then remove what stands in the engine."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        with contextlib.suppress(Unavailable):
            async with Engine(self._config.docker_host) as engine:
                shop = Shop(engine, self._config)
                running = [box["Id"] for box in await shop.runners()]
                await asyncio.gather(*(engine.stop(each, STOP_S) for each in running))
                await shop.clear()

    async def _keep(self) -> None:
        while True:
            try:
                await self._server.preparing(())
                async with Engine(self._config.docker_host) as engine:
                    await self._work_with(engine)
            except Unavailable as problem:
                self._trouble.note(problem)
            except Exception:
                log.exception("docker_pool_failed")
                self._trouble.note(Unavailable("The pool failed; the server's log says how."))
            finally:
                self._departures.engine = self._departures.caches = None
            await asyncio.sleep(RETRY_S)

    async def _work_with(self, engine: Engine) -> None:
        """Everything, for as long as this connection lasts. Raises `EngineAbsent` when it ends."""
        heard: asyncio.Queue[Happening | None] = asyncio.Queue()
        beside = [asyncio.create_task(self._listen(engine, heard))]
        shop = Shop(engine, self._config)
        images = self._preparing(engine)
        caches = Caches(engine, self._config, self._recipe, self._server, done=self._nudged.set)
        births = self._births(shop, images, caches)
        try:
            where = await shop.look()
            port = await self._server.open_door(
                self._config.bind_host or where.gateway, self._config.bind_port
            )
            await shop.open(port)
            self._departures.engine, self._departures.caches = engine, caches
            beside.append(asyncio.create_task(self._talk(shop, engine)))
            beside.append(asyncio.create_task(make_cells(shop, lambda: self._is_at_rest(births))))
            await reconcile(engine, shop, self._recipe, self._server, self._boxes, self._egress)
            await caches.find()
            while True:
                await self._fill(births, images, caches)
                await self._hear(heard, births)
                if self._gates_to_look_at > 0:
                    self._gates_to_look_at -= 1
                    await shop.open(port)
                self._departures.of_mute_ones()
        finally:
            beside += births.tasks + images.tasks + caches.tasks
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)

    def _preparing(self, engine: Engine) -> Preparing:
        return Preparing(
            OwnImages(engine, self._config),
            self._recipe,
            self._server,
            self._trouble,
            coming=lambda: self._server.coming(self._target),
            done=self._nudged.set,
        )

    def _births(self, shop: Shop, images: Preparing, caches: Caches) -> Births:
        return Births(
            shop,
            self._recipe,
            self._server,
            images,
            caches,
            self._boxes,
            self._trouble,
            stillborn=self._departures.bury,
            done=self._nudged.set,
        )

    def _is_at_rest(self, births: Births) -> bool:
        return not births.tasks and all(box.is_registered for box in self._boxes)

    async def _talk(self, shop: Shop, engine: Engine) -> None:
        """Speak with the proxy, again and again: it may die and come back."""
        while True:
            with contextlib.suppress(Unavailable, OSError):
                if shop.egress_id is not None:
                    await self._egress.talk(engine, shop.egress_id)
            await asyncio.sleep(TALK_AGAIN_S)

    async def _listen(self, engine: Engine, heard: asyncio.Queue[Happening | None]) -> None:
        try:
            async for happening in engine.happenings(labels.of_server(self._config.server_id)):
                heard.put_nowait(happening)
                self._nudged.set()
        finally:
            heard.put_nowait(None)
            self._nudged.set()

    async def _hear(self, heard: asyncio.Queue[Happening | None], births: Births) -> None:
        """Wait for something to happen, at most a tick, and see to all that did."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._nudged.wait(), TICK_S)
        self._nudged.clear()
        while not heard.empty():
            happening = heard.get_nowait()
            if happening is None:
                raise EngineAbsent("The engine went away.")
            self._see_to(happening, births)

    def _see_to(self, happening: Happening, births: Births) -> None:
        role = happening.labels.get(labels.ROLE)
        if role in GATES:
            self._gates_to_look_at = GATE_LOOKS
        if role != Role.RUNNER:
            return
        box = self._boxes.of_container(happening.container_id)
        if box is None:  # so young that its birth is not over, or of an earlier life
            if happening.action == "die":
                births.unknown_died(happening.container_id, happening.exit_code)
        elif happening.action == "oom":
            box.ran_out = True
        elif happening.action == "die":
            self._departures.bury(box, happening.exit_code)

    async def _fill(self, births: Births, images: Preparing, caches: Caches) -> None:
        """Begin as many births as are missing, of what containers are made of now."""
        await self._departures.of_outdated()
        if len(self._boxes.staying) > self._target:  # born when fewer were asked for
            await self._departures.of_surplus(self._target, now=False)
        coming = await self._server.coming(self._target)
        self._kinds_matter = coming.kinds is not None
        if self._repos_went:
            self._repos_went = False
            await caches.tidy()
        await caches.keep(coming.large)
        missing = await self._missing(coming, births, images)
        if not missing:
            self._trouble.note_calm()
            return
        if not self._trouble.is_over:
            return
        free = (n for n in range(1, 2 * MAX_COUNT) if n not in self._boxes and n not in births)
        for slot, kind in zip(free, missing, strict=False):
            births.begin(slot, kind)

    async def _missing(self, coming: Coming, births: Births, images: Preparing) -> list[Kind]:
        """Of which kinds containers are missing. Those that wait in vain make room for them."""
        kinds = [
            kind for kind in coming.kinds or () if kind.image is None or images.is_ready(kind.image)
        ]
        staying = {box.runner: box.kind for box in self._boxes.staying}
        planned = plan(self._target, kinds, coming.busy, staying, births.kinds)
        for box in self._boxes:
            if box.runner in planned.surplus:
                await self._departures.of(box)
        return planned.missing
