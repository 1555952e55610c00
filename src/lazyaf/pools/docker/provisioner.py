"""Makes and removes what stands in the engine: the outside network, relay and proxy, a cell for each slot.

Everything is found again by its labels, so that a server that starts after a crash goes on with what is
there. Nothing here knows of jobs.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import Any, Final

import structlog

from lazyaf.domain.containers import Containers
from lazyaf.pools.docker import labels, networks, spec
from lazyaf.pools.docker.addresses import MORE_ROOM, Places, free_subnet, places
from lazyaf.pools.docker.config import DockerPoolConfig
from lazyaf.pools.docker.engine import Engine, EngineRefused
from lazyaf.pools.docker.images import require_image
from lazyaf.pools.docker.labels import Role

log = structlog.get_logger(__name__)

SUBNET_TRIES: Final = 20
GATES: Final = (Role.RELAY, Role.EGRESS)


class Provisioner:
    """The things of one server in one engine. `look` first, then `open`."""

    def __init__(self, engine: Engine, config: DockerPoolConfig) -> None:
        self._engine = engine
        self._config = config
        self._taken: set[str] = set()
        self._cells: dict[int, tuple[str, Places]] = {}
        self._joined: set[int] = set()
        self._making: dict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._gates: dict[Role, str] = {}
        self._outside: tuple[str, Places] | None = None

    async def look(self) -> Places:
        """Find the networks that stand, and make the outside one; its addresses."""
        for network in await self._engine.networks():
            self._note(network)
        if self._outside is None:
            self._outside = await self._make_network(Role.OUTSIDE, None)
        return self._outside[1]

    def _note(self, network: dict[str, Any]) -> None:
        subnets = [each.get("Subnet", "") for each in (network["IPAM"].get("Config") or ())]
        self._taken.update(filter(None, subnets))
        found = network.get("Labels") or {}
        if found.get(labels.SERVER) != self._config.server_id or not subnets:
            return
        known = (network["Name"], places(subnets[0]))
        slot = labels.slot_of(found)
        if found.get(labels.ROLE) == Role.OUTSIDE:
            self._outside = known
        elif slot is not None:
            self._cells[slot] = known

    async def _make_network(self, role: Role, slot: int | None) -> tuple[str, Places]:
        """A network with a subnet of its own. Somebody else may take that first: then another."""
        for _ in range(SUBNET_TRIES):
            subnet = free_subnet(self._config.subnets, self._taken)
            self._taken.add(subnet)
            body = (
                networks.outside(self._config, subnet)
                if slot is None
                else networks.cell(self._config, slot, subnet)
            )
            try:
                await self._engine.create_network(body)
            except EngineRefused as refused:
                if "overlap" not in refused.detail:
                    raise
                continue
            log.debug("network_made", role=role.value, slot=slot, subnet=subnet)
            return body["Name"], places(subnet)
        raise EngineRefused(f"The engine has no room for another network. {MORE_ROOM}", 500)

    async def open(self, port: int) -> None:
        """See that relay and proxy stand and forward to this port; again whenever one of them died."""
        if self._outside is None:
            raise RuntimeError("look comes first")
        image = await require_image(self._engine, self._config.egress_image, self._config)
        name, where = self._outside
        bodies = {
            Role.RELAY: spec.relay(self._config, name, where, port, image),
            Role.EGRESS: spec.egress(self._config, name, where, image),
        }
        made = await asyncio.gather(*(self._gate(role, bodies[role]) for role in GATES))
        if any(made):
            await asyncio.gather(*(self._join(slot) for slot in self._cells))

    @property
    def egress_id(self) -> str | None:
        """The proxy's container."""
        return self._gates.get(Role.EGRESS)

    async def _gate(self, role: Role, body: dict[str, Any]) -> bool:
        """Keep the one that stands, or make it; whether it is a new one."""
        filters = labels.of_server(self._config.server_id, role)
        wanted = body["Labels"][labels.MADE_OF]
        kept = None
        for found in await self._engine.containers(filters):
            if found["Labels"].get(labels.MADE_OF) == wanted and kept is None:
                kept = found
            else:
                await self._engine.remove(found["Id"])
        if kept is not None:
            self._gates[role] = kept["Id"]
            if kept["State"] != "running":
                await self._engine.start(kept["Id"])
            return False
        name = labels.container_name(role, self._config.server_id)
        self._gates[role] = await self._engine.create(name, body)
        await self._engine.start(self._gates[role])
        log.info("gate_opened", name=name)
        return True

    async def cell(self, slot: int) -> tuple[str, Places]:
        """The slot's own network with relay and proxy in it, made at its first use."""
        async with self._making[slot]:
            if slot not in self._cells:
                self._cells[slot] = await self._make_network(Role.CELL, slot)
            if slot not in self._joined:  # or whoever made it died over it
                await self._join(slot)
        return self._cells[slot]

    async def make_cell_ahead(self, count: int) -> None:
        """Make one of the cells that are missing among the first so many slots, if any is."""
        slot = next((n for n in range(1, count + 1) if n not in self._joined), None)
        if slot is not None:
            await self.cell(slot)

    async def _join(self, slot: int) -> None:
        network, where = self._cells[slot]
        legs = {Role.RELAY: where.relay, Role.EGRESS: where.egress}
        await asyncio.gather(
            *(self._engine.connect(network, self._gates[role], legs[role]) for role in GATES)
        )
        self._joined.add(slot)

    async def placement(self, slot: int, runner: str, token_id: str) -> spec.Placement:
        """Where a runner of this slot goes."""
        network, where = await self.cell(slot)
        return spec.Placement(slot, runner, token_id, network, where)

    async def make_runner(
        self,
        placement: spec.Placement,
        containers: Containers,
        suffix: str,
        said: bytes,
        own: spec.OwnImage | None = None,
        cached: spec.Cached | None = None,
    ) -> str:
        """A running container that was told this on its stdin; its id. Leaves nothing half made."""
        image = await require_image(self._engine, containers.image, self._config)
        body = spec.runner(self._config, containers, placement, image, own, cached)
        name = labels.container_name(
            Role.RUNNER, self._config.server_id, f"{placement.slot}-{suffix}"
        )
        container_id = await self._engine.create(name, body)
        try:
            await self._engine.start_with(container_id, said)
        except BaseException:
            await asyncio.shield(self._engine.remove(container_id))
            raise
        return container_id

    async def runners(self) -> list[dict[str, Any]]:
        """Every container of a runner, running or not."""
        return await self._engine.containers(labels.of_server(self._config.server_id, Role.RUNNER))

    async def clear(self) -> None:
        """Remove everything of this server."""
        found = await self._engine.containers(labels.of_server(self._config.server_id))
        await asyncio.gather(*(self._engine.remove(each["Id"]) for each in found))
        for volume in await self._engine.volumes(labels.of_server(self._config.server_id)):
            await self._engine.remove_volume(volume)
        nets = await self._engine.networks(labels.of_server(self._config.server_id))
        await asyncio.gather(*(self._engine.remove_network(each["Id"]) for each in nets))
