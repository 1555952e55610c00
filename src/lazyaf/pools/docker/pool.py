"""Keeps N containers alive, each for one job: starts them before they are needed, hears of a death at
once, adopts what lives at start, and heals by itself when the engine was away.

One task, `_keep`, decides everything; births and funerals are its children. The engine's truth is read
again at every connection, so nothing here must survive a crash.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import structlog

from lazyaf.domain.containers import Containers, choose
from lazyaf.domain.errors import Unavailable
from lazyaf.domain.events import EventType, NewEvent
from lazyaf.domain.runners import Isolation, PoolKind, RunnerEnd
from lazyaf.pools.docker import labels, spec
from lazyaf.pools.docker.config import MAX_COUNT, DockerPoolConfig
from lazyaf.pools.docker.egress import Egress
from lazyaf.pools.docker.engine import Engine, EngineAbsent, Happening
from lazyaf.pools.docker.images import require_image
from lazyaf.pools.docker.labels import Role
from lazyaf.pools.docker.own import ImageUnfit, OwnImages
from lazyaf.pools.docker.planning import plan
from lazyaf.pools.docker.possible import require_possible
from lazyaf.pools.docker.server import Server
from lazyaf.pools.docker.shop import GATES, Shop

log = structlog.get_logger(__name__)

RETRY_S: Final = 1.0
TICK_S: Final = 1.0
BACK_OFF_MAX_S: Final = 30.0
REGISTER_S: Final = 60.0
"""Seconds within which a container must have registered."""
SAVE_S: Final = 10.0
"""What a busy runner gets to save when a person sends it away."""
GATE_LOOKS: Final = 5
"""Ticks in which relay and proxy are looked at after one of them died: the engine tells of a death a little
before it lists it, and does not restart what a person killed."""
TELL_S: Final = 0.5
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
"""After these other images may be needed, where some repository names one."""
STOP_S: Final = 3.0
"""What a runner gets to save when the server leaves (rules.md R17)."""


@dataclass(slots=True)
class Box:
    """A container with a runner in it."""

    slot: int
    runner: str
    container_id: str
    address: str
    token_id: str
    image: str | None
    """The repository's own one; None is the pool's."""
    made_of: Containers | None
    """None: of something else than what counts now."""
    born: float
    is_registered: bool = False
    is_leaving: bool = False
    is_sent_away: bool = False
    job_id: str | None = None
    ran_out: bool = False

    @property
    def end(self) -> RunnerEnd:
        """How it ended, now that it is dead."""
        if self.is_sent_away:
            return RunnerEnd.SENT_AWAY
        return RunnerEnd.OUT_OF_MEMORY if self.ran_out else RunnerEnd.DIED


class DockerPool:
    """See the module. ``server`` is whom it works for."""

    kind = PoolKind.DOCKER

    def __init__(
        self, config: DockerPoolConfig, count: int, chosen: Mapping[str, Any], server: Server
    ) -> None:
        self._config = config
        self._target = count
        self._chosen = chosen
        self._containers = config.containers.with_chosen(chosen)
        self._server = server
        self._boxes: dict[int, Box] = {}
        self._births: dict[int, asyncio.Task[None]] = {}
        self._bearing: dict[int, str | None] = {}
        self._images_are_named = False
        self._ready: set[str] = set()
        self._preparing: dict[str, asyncio.Task[None]] = {}
        self._errands: set[asyncio.Task[None]] = set()
        self._egress = Egress(self._refused)
        self._blocked: dict[tuple[str, str], int] = {}
        self._problem: Unavailable | None = Unavailable("The pool is starting.")
        self._failures = 0
        self._not_before = 0.0
        self._nudged = asyncio.Event()
        self._shop: Shop | None = None
        self._own_images: OwnImages | None = None
        self._engine: Engine | None = None
        self._gates_to_look_at = 0
        self._early: dict[str, int | None] = {}
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin; the engine may come later."""
        self._task = asyncio.create_task(self._keep(), name="docker-pool")

    async def scale(self, count: int, *, now: bool = False) -> None:
        """Ask for this many. Surplus ones finish their job, or with ``now`` save it and leave."""
        self._target = min(count, MAX_COUNT)
        await self._send_surplus_away(now=now)
        self._nudged.set()

    async def remake(self, changes: Mapping[str, Any]) -> None:
        """Make containers otherwise from now on. Those that wait are replaced, busy ones finish first."""
        chosen = choose(self._chosen, changes)
        wanted = self._config.containers.with_chosen(chosen)
        if self._engine is not None:
            await require_possible(self._engine, self._config, changes)
        self._chosen, self._containers = chosen, wanted
        self._failures, self._not_before = 0, 0.0
        self._nudged.set()

    async def open(self, runner: str, job_id: str, hosts: Sequence[str]) -> None:
        """Let the container of this runner reach these hosts for its job (`lazyaf.domain.ports.Exits`)."""
        box = next((b for b in self._boxes.values() if b.runner == runner), None)
        if box is None:
            raise Unavailable(f"The container of {runner} is not known (yet). Ask again.")
        box.job_id = job_id
        await self._egress.allow(box.address, hosts)

    def _refused(self, address: str, host: str) -> None:
        """The proxy sent somebody away: count it, and tell the server by and by."""
        box = next((b for b in self._boxes.values() if b.address == address), None)
        if box is None or box.job_id is None:
            return
        key = (box.job_id, host)
        if not self._blocked:
            self._errand(self._tell_blocked())
        self._blocked[key] = self._blocked.get(key, 0) + 1

    async def _tell_blocked(self) -> None:
        await asyncio.sleep(TELL_S)
        counted, self._blocked = self._blocked, {}
        for (job_id, host), times in counted.items():
            await self._server.blocked(job_id, host, times)

    def describe(self) -> dict[str, object]:
        """What the panel shows of this pool."""
        problem = self._problem
        return {
            "kind": self.kind.value,
            "target": self._target,
            "available": problem is None,
            "reason": None if problem is None else problem.detail,
            "fix": getattr(problem, "fix", None),
            "isolation": Isolation.CONTAINER.value,
            "max_count": MAX_COUNT,
            "server_id": self._config.server_id,
            "containers": asdict(self._containers),
            "default_containers": asdict(self._config.containers),
        }

    def heard(self, events: Sequence[NewEvent]) -> None:
        """Note which runners have come to the server, and that a job may want another image."""
        for event in events:
            if self._images_are_named and event.type in STIRRING:
                self._nudged.set()
            if event.type is EventType.RUNNER_REGISTERED:
                self._registered(event.actor.name)

    def _registered(self, runner: str) -> None:
        for box in self._boxes.values():
            if box.runner == runner:
                box.is_registered = True
                self._failures = 0
                self._note(None)

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
                async with Engine(self._config.docker_host) as engine:
                    await self._work_with(engine)
            except Unavailable as problem:
                self._note(problem)
            except Exception:
                log.exception("docker_pool_failed")
                self._note(Unavailable("The pool failed; the server's log says how."))
            finally:
                self._shop = self._engine = self._own_images = None
            await asyncio.sleep(RETRY_S)

    def _note(self, problem: Unavailable | None) -> None:
        if problem is not None and (
            self._problem is None or self._problem.detail != problem.detail
        ):
            log.warning("docker_pool_cannot_work", reason=problem.detail)
        elif problem is None and self._problem is not None:
            log.info("docker_pool_works")
        self._problem = problem

    async def _work_with(self, engine: Engine) -> None:
        """Everything, for as long as this connection lasts. Raises `EngineAbsent` when it ends."""
        heard: asyncio.Queue[Happening | None] = asyncio.Queue()
        listening = asyncio.create_task(self._listen(engine, heard))
        talking: asyncio.Task[None] | None = None
        try:
            shop = Shop(engine, self._config)
            where = await shop.look()
            port = await self._server.open_door(
                self._config.bind_host or where.gateway, self._config.bind_port
            )
            await shop.open(port)
            self._shop, self._engine = shop, engine
            self._own_images = OwnImages(engine, self._config)
            talking = asyncio.create_task(self._talk(shop, engine))
            await self._reconcile(shop, engine)
            while True:
                await self._fill(shop)
                await self._hear(heard, shop, port)
        finally:
            beside = [
                *self._births.values(),
                *self._preparing.values(),
                listening,
                *([talking] if talking else []),
            ]
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            self._births.clear()
            self._bearing.clear()
            self._preparing.clear()
            self._ready.clear()

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

    async def _hear(self, heard: asyncio.Queue[Happening | None], shop: Shop, port: int) -> None:
        """Wait for something to happen, at most a tick, and see to all that did."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._nudged.wait(), TICK_S)
        self._nudged.clear()
        while not heard.empty():
            happening = heard.get_nowait()
            if happening is None:
                raise EngineAbsent("The engine went away.")
            self._see_to(happening)
        if self._gates_to_look_at > 0:
            self._gates_to_look_at -= 1
            await shop.open(port)
        self._end_mute_ones()

    def _see_to(self, happening: Happening) -> None:
        role = happening.labels.get(labels.ROLE)
        if role in GATES:
            self._gates_to_look_at = GATE_LOOKS
        if role != Role.RUNNER:
            return
        box = self._box(happening.container_id)
        if box is None:  # so young that its birth is not over, or of an earlier life
            if happening.action == "die" and self._births:
                self._early[happening.container_id] = happening.exit_code
            return
        if happening.action == "oom":
            box.ran_out = True
        elif happening.action == "die":
            self._errand(self._bury(box, happening.exit_code))

    def _box(self, container_id: str) -> Box | None:
        return next((b for b in self._boxes.values() if b.container_id == container_id), None)

    def _errand(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)

    async def _bury(self, box: Box, exit_code: int | None) -> None:
        """A container has died: its job goes back at once, then what is left of it goes."""
        log.info("runner_ended", name=box.runner, code=exit_code, out_of_memory=box.ran_out)
        await self._server.lost(box.runner, box.end)
        engine = self._engine
        if engine is not None:
            if exit_code and not box.is_leaving and not box.is_registered:
                await self._blame(engine, box, exit_code)
            with contextlib.suppress(Unavailable):
                await engine.remove(box.container_id)
        await self._server.revoke(box.token_id)
        with contextlib.suppress(OSError, RuntimeError):
            await self._egress.forget(box.address)
        if self._boxes.get(box.slot) is box:
            del self._boxes[box.slot]
        self._nudged.set()

    async def _blame(self, engine: Engine, box: Box, exit_code: int) -> None:
        """One that never came to the server: say what it said, and be slower to try again."""
        words = ""
        with contextlib.suppress(Unavailable):
            words = await engine.last_words(box.container_id)
        what = (
            f"A runner's container ended with code {exit_code} before it came to the server. "
            f"Its last words: {words or 'none'}"
        )
        if box.image is not None:
            await self._server.refuse(box.image, f"{what} It was of the image {box.image}.")
            return
        self._set_back(Unavailable(what))

    def _set_back(self, problem: Unavailable) -> None:
        self._note(problem)
        self._failures += 1
        wait = min(BACK_OFF_MAX_S, 0.5 * 2 ** min(self._failures, 6))
        self._not_before = asyncio.get_running_loop().time() + wait

    def _end_mute_ones(self) -> None:
        now = asyncio.get_running_loop().time()
        for box in self._boxes.values():
            if not box.is_registered and now - box.born > REGISTER_S and self._engine is not None:
                box.born = now
                self._set_back(
                    Unavailable(
                        f"A runner's container did not reach the server within {REGISTER_S:g} s. Does a "
                        "firewall of this machine keep containers from it?"
                    )
                )
                self._errand(self._end(self._engine, box, 0))

    async def _reconcile(self, shop: Shop, engine: Engine) -> None:
        """Adopt what lives, remove what is dead, and tell of those who are no more."""
        known, self._boxes = self._boxes, {}
        ended = RunnerEnd.WITH_ENGINE if known else RunnerEnd.WITH_SERVER
        for found in await shop.runners():
            box = await self._adoptable(shop, engine, found)
            if box is None:
                await engine.remove(found["Id"])
                continue
            former = known.get(box.slot)
            same = former is not None and former.container_id == box.container_id
            self._boxes[box.slot] = former if former is not None and same else box
            log.info("runner_adopted", name=box.runner)
        alive = {box.runner for box in self._boxes.values()}
        registered = await self._server.names()
        for box in self._boxes.values():
            box.is_registered = box.runner in registered
        for name in registered:
            if name not in alive:
                await self._server.lost(name, ended)
        await self._open_again()
        await self._server.keep_tokens({box.token_id for box in self._boxes.values()})

    async def _open_again(self) -> None:
        """Those who are at work may reach what they could; a proxy that died meanwhile has forgotten it."""
        ways = await self._server.allowances()
        for box in self._boxes.values():
            box.job_id, hosts = ways.get(box.runner, (None, ()))
            with contextlib.suppress(Unavailable):
                await self._egress.allow(box.address, hosts)

    async def _adoptable(self, shop: Shop, engine: Engine, found: dict[str, Any]) -> Box | None:
        said = found["Labels"]
        slot, runner, token = labels.slot_of(said), said.get(labels.RUNNER), said.get(labels.TOKEN)
        if found["State"] != "running" or slot is None or not runner or not token:
            return None
        now = asyncio.get_running_loop().time()
        _, where = await shop.cell(slot)
        image = said.get(labels.IMAGE)
        is_current = said.get(labels.MADE_OF) == await self._fingerprint(engine, image)
        made_of = self._containers_of(image) if is_current else None
        return Box(slot, runner, found["Id"], where.runner, token, image, made_of, now)

    def _containers_of(self, image: str | None) -> Containers:
        """Of what a container is made now: the pool's own image, or a repository's."""
        return self._containers if image is None else replace(self._containers, image=image)

    async def _fingerprint(self, engine: Engine, image: str | None) -> str:
        wanted, image_id = self._containers_of(image), ""
        with contextlib.suppress(Unavailable):
            image_id = await require_image(engine, wanted.image, self._config)
        return spec.fingerprint(image_id, wanted, self._config)

    async def _fill(self, shop: Shop) -> None:
        """Begin as many births as are missing, of what containers are made of now."""
        await self._send_outdated_away()
        staying = sum(not box.is_leaving for box in self._boxes.values())
        if staying > self._target:  # one was being born when fewer were asked for
            await self._send_surplus_away(now=False)
        missing = await self._missing()
        if not missing:
            if self._failures == 0:
                self._note(None)
            return
        if asyncio.get_running_loop().time() < self._not_before:
            return
        free = (
            n for n in range(1, 2 * MAX_COUNT) if n not in self._boxes and n not in self._births
        )
        for slot, image in zip(free, missing, strict=False):
            self._bearing[slot] = image
            self._births[slot] = asyncio.create_task(self._bear(shop, slot, image))

    async def _missing(self) -> list[str | None]:
        """Of which images containers are missing. Those that wait in vain make room for them."""
        coming = await self._server.coming(self._target)
        self._images_are_named = coming.images is not None
        images = [each for each in coming.images or () if each is None or self._is_ready(each)]
        staying = {box.runner: box.image for box in self._boxes.values() if not box.is_leaving}
        planned = plan(self._target, images, coming.busy, staying, self._bearing.values())
        for box in list(self._boxes.values()):
            if box.runner in planned.surplus:
                await self._send_away(box, now=False)
        return planned.missing

    def _is_ready(self, image: str) -> bool:
        """Whether containers can be made of a repository's image. What it takes is done beside: nobody makes
        room for an image that is still being pulled."""
        is_quiet = asyncio.get_running_loop().time() >= self._not_before
        if image not in self._ready and image not in self._preparing and is_quiet:
            self._preparing[image] = asyncio.create_task(self._prepare(image))
        return image in self._ready

    async def _prepare(self, image: str) -> None:
        try:
            if await self._own_image(image) is not None:
                self._ready.add(image)
        except Unavailable as problem:
            self._set_back(problem)
        finally:
            self._preparing.pop(image, None)
            self._nudged.set()

    async def _bear(self, shop: Shop, slot: int, image: str | None) -> None:
        runner = f"docker-{slot}"
        token_id = None
        try:
            own = None if image is None else await self._own_image(image)
            if image is not None and own is None:
                self._ready.discard(image)
                return
            token_id, token = await self._server.new_token(runner)
            berth = await shop.berth(slot, runner, token_id)
            said = f"{token}\n".encode()
            born = asyncio.get_running_loop().time()
            suffix = secrets.token_hex(3)
            made_of = self._containers_of(image)
            container_id = await shop.make_runner(berth, made_of, suffix, said, own)
            address = berth.places.runner
            box = Box(slot, runner, container_id, address, token_id, image, made_of, born)
            self._boxes[slot] = box
            if container_id in self._early:
                self._errand(self._bury(box, self._early[container_id]))
        except Unavailable as problem:
            if token_id is not None:
                await self._server.revoke(token_id)
            self._set_back(problem)
        finally:
            self._births.pop(slot, None)
            self._bearing.pop(slot, None)
            if not self._births:
                self._early.clear()
            self._nudged.set()

    async def _own_image(self, image: str) -> spec.OwnImage | None:
        """What a container of this image is made with; None when there is no job for it any more, because
        nothing can run in it."""
        if self._own_images is None:
            return None
        try:
            own, fitness = await self._own_images.ready(image, self._containers.image)
        except ImageUnfit as unfit:
            await self._server.refuse(image, unfit.detail)
            return None
        for agent, why in fitness.agents.items():
            about = f"The agent {agent} cannot run in the image {image} that this repository names. {why}"
            await self._server.refuse(image, about, agent)
        if not fitness.agents:
            return own
        coming = await self._server.coming(self._target)
        return own if image in (coming.images or ()) else None

    async def _send_surplus_away(self, *, now: bool) -> None:
        staying = [box for box in self._boxes.values() if not box.is_leaving]
        busy = await self._server.busy()
        staying.sort(key=lambda box: (box.runner in busy, -box.slot))
        leaving = staying[: max(0, len(staying) - self._target)]
        if now:
            leaving += [box for box in self._boxes.values() if box.is_leaving]
        for box in leaving:
            await self._send_away(box, now=now)

    async def _send_outdated_away(self) -> None:
        """Replace those that wait and are made of something else than counts now. One that works ends with
        its job anyway."""
        outdated = [
            box
            for box in self._boxes.values()
            if box.made_of != self._containers_of(box.image) and not box.is_leaving
        ]
        busy = await self._server.busy() if outdated else set()
        for box in outdated:
            if box.runner not in busy:
                await self._send_away(box, now=False)

    async def _send_away(self, box: Box, *, now: bool) -> None:
        """Let it take no job any more; one that has none, or may not finish it, leaves at once."""
        box.is_leaving = True
        await self._server.drain(box.runner)
        is_busy = box.runner in await self._server.busy()
        if self._engine is None or (is_busy and not now):
            return
        box.is_sent_away = True
        # An idle one has nothing to save, and one that is being born would not hear of SIGTERM.
        self._errand(self._end(self._engine, box, SAVE_S if is_busy else 0))

    async def _end(self, engine: Engine, box: Box, grace_s: float) -> None:
        with contextlib.suppress(Unavailable):
            if grace_s:
                await engine.stop(box.container_id, grace_s)
            else:
                await engine.kill(box.container_id)
