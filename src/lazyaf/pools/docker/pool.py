"""Keeps N containers alive, each for one job: starts them before they are needed, hears of a death at
once, adopts what lives at start, and heals by itself when the engine was away.

One task, `_keep`, decides everything; launches and removals are its children. The engine's truth is read
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
from lazyaf.pools.docker.background import Background
from lazyaf.pools.docker.blocked import Blocked
from lazyaf.pools.docker.caches import Caches
from lazyaf.pools.docker.config import MAX_COUNT, DockerPoolConfig
from lazyaf.pools.docker.egress import Egress
from lazyaf.pools.docker.engine import Engine, EngineAbsent, Happening
from lazyaf.pools.docker.labels import Role
from lazyaf.pools.docker.launches import Launches
from lazyaf.pools.docker.own import OwnImages
from lazyaf.pools.docker.planning import plan
from lazyaf.pools.docker.possible import require_possible
from lazyaf.pools.docker.preparing import Preparing
from lazyaf.pools.docker.provisioner import GATES, Provisioner
from lazyaf.pools.docker.recipe import Recipe
from lazyaf.pools.docker.removals import Removals
from lazyaf.pools.docker.runner_containers import RunnerContainers
from lazyaf.pools.docker.server import Server
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
        self._containers = RunnerContainers()
        self._trouble = Trouble()
        self._nudged = asyncio.Event()
        self._kinds_matter = False
        self._repos_went = False
        self._gates_to_look_at = 0
        background = Background()
        self._blocked = Blocked(server, background)
        self._egress = Egress(self._refused)
        self._removals = Removals(
            self._containers,
            self._recipe,
            server,
            self._egress,
            self._trouble,
            background,
            self._nudged.set,
        )
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin; the engine may come later."""
        self._task = asyncio.create_task(self._keep(), name="docker-pool")

    async def scale(self, count: int, *, now: bool = False) -> None:
        """Ask for this many. Surplus ones finish their job, or with ``now`` save it and leave."""
        self._target = min(count, MAX_COUNT)
        await self._removals.remove_surplus(self._target, now=now)
        self._nudged.set()

    async def remake(self, changes: Mapping[str, Any]) -> None:
        """Make containers otherwise from now on. Those that wait are replaced, busy ones finish first."""
        if self._removals.engine is not None:
            await require_possible(self._removals.engine, self._config, changes)
        self._recipe.change(changes)
        self._trouble.try_again()
        self._nudged.set()

    async def open(self, runner: str, job_id: str, hosts: Sequence[str]) -> None:
        """Let the container of this runner reach these hosts for its job (`lazyaf.domain.ports.Exits`)."""
        container = self._containers.named(runner)
        if container is None:
            raise Unavailable(f"The container of {runner} is not known (yet). Ask again.")
        container.job_id = job_id
        await self._egress.allow(container.address, hosts)

    def _refused(self, address: str, host: str) -> None:
        """The proxy sent somebody away."""
        container = self._containers.at(address)
        if container is not None and container.job_id is not None:
            self._blocked.count(container.job_id, host)

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
        container = self._containers.named(runner)
        if container is not None:
            container.is_registered = True
            self._trouble.end()

    async def stop(self) -> None:
        """Let every runner save what it has, then remove what stands in the engine."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        with contextlib.suppress(Unavailable):
            async with Engine(self._config.docker_host) as engine:
                provisioner = Provisioner(engine, self._config)
                running = [container["Id"] for container in await provisioner.runners()]
                await asyncio.gather(*(engine.stop(each, STOP_S) for each in running))
                await provisioner.clear()

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
                self._removals.engine = self._removals.caches = None
            await asyncio.sleep(RETRY_S)

    async def _work_with(self, engine: Engine) -> None:
        """Everything, for as long as this connection lasts. Raises `EngineAbsent` when it ends."""
        heard: asyncio.Queue[Happening | None] = asyncio.Queue()
        beside = [asyncio.create_task(self._listen(engine, heard))]
        provisioner = Provisioner(engine, self._config)
        images = self._preparing(engine)
        caches = Caches(engine, self._config, self._recipe, self._server, done=self._nudged.set)
        launches = self._launches(provisioner, images, caches)
        try:
            where = await provisioner.look()
            port = await self._server.open_door(
                self._config.bind_host or where.gateway, self._config.bind_port
            )
            await provisioner.open(port)
            self._removals.engine, self._removals.caches = engine, caches
            beside.append(asyncio.create_task(self._talk(provisioner, engine)))
            beside.append(
                asyncio.create_task(make_cells(provisioner, lambda: self._is_at_rest(launches)))
            )
            await reconcile(
                engine, provisioner, self._recipe, self._server, self._containers, self._egress
            )
            await caches.find()
            while True:
                await self._fill(launches, images, caches)
                await self._hear(heard, launches)
                if self._gates_to_look_at > 0:
                    self._gates_to_look_at -= 1
                    await provisioner.open(port)
                self._removals.end_unregistered()
        finally:
            beside += launches.tasks + images.tasks + caches.tasks
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

    def _launches(self, provisioner: Provisioner, images: Preparing, caches: Caches) -> Launches:
        return Launches(
            provisioner,
            self._recipe,
            self._server,
            images,
            caches,
            self._containers,
            self._trouble,
            died_early=self._removals.clear_up,
            done=self._nudged.set,
        )

    def _is_at_rest(self, launches: Launches) -> bool:
        return not launches.tasks and all(container.is_registered for container in self._containers)

    async def _talk(self, provisioner: Provisioner, engine: Engine) -> None:
        """Speak with the proxy, again and again: it may die and come back."""
        while True:
            with contextlib.suppress(Unavailable, OSError):
                if provisioner.egress_id is not None:
                    await self._egress.talk(engine, provisioner.egress_id)
            await asyncio.sleep(TALK_AGAIN_S)

    async def _listen(self, engine: Engine, heard: asyncio.Queue[Happening | None]) -> None:
        try:
            async for happening in engine.happenings(labels.of_server(self._config.server_id)):
                heard.put_nowait(happening)
                self._nudged.set()
        finally:
            heard.put_nowait(None)
            self._nudged.set()

    async def _hear(self, heard: asyncio.Queue[Happening | None], launches: Launches) -> None:
        """Wait for something to happen, at most a tick, and see to all that did."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._nudged.wait(), TICK_S)
        self._nudged.clear()
        while not heard.empty():
            happening = heard.get_nowait()
            if happening is None:
                raise EngineAbsent("The engine went away.")
            self._see_to(happening, launches)

    def _see_to(self, happening: Happening, launches: Launches) -> None:
        role = happening.labels.get(labels.ROLE)
        if role in GATES:
            self._gates_to_look_at = GATE_LOOKS
        if role != Role.RUNNER:
            return
        container = self._containers.of_container(happening.container_id)
        if container is None:  # its launch is not over, or it is of an earlier server
            if happening.action == "die":
                launches.unknown_died(happening.container_id, happening.exit_code)
        elif happening.action == "oom":
            container.ran_out = True
        elif happening.action == "die":
            self._removals.clear_up(container, happening.exit_code)

    async def _fill(self, launches: Launches, images: Preparing, caches: Caches) -> None:
        """Begin as many launches as are missing, of what containers are made of now."""
        await self._removals.replace_outdated()
        if len(self._containers.staying) > self._target:  # launched before fewer were asked for
            await self._removals.remove_surplus(self._target, now=False)
        coming = await self._server.coming(self._target)
        self._kinds_matter = coming.kinds is not None
        if self._repos_went:
            self._repos_went = False
            await caches.tidy()
        await caches.keep(coming.large)
        missing = await self._missing(coming, launches, images)
        if not missing:
            self._trouble.note_calm()
            return
        if not self._trouble.is_over:
            return
        free = (
            n for n in range(1, 2 * MAX_COUNT) if n not in self._containers and n not in launches
        )
        for slot, kind in zip(free, missing, strict=False):
            launches.begin(slot, kind)

    async def _missing(self, coming: Coming, launches: Launches, images: Preparing) -> list[Kind]:
        """Of which kinds containers are missing. Those that wait in vain make room for them."""
        kinds = [
            kind for kind in coming.kinds or () if kind.image is None or images.is_ready(kind.image)
        ]
        staying = {container.runner: container.kind for container in self._containers.staying}
        planned = plan(self._target, kinds, coming.busy, staying, launches.kinds)
        for container in self._containers:
            if container.runner in planned.surplus:
                await self._removals.retire(container)
        return planned.missing
