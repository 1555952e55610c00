"""What the engine is asked for: the bodies of networks, and in them what an agent does not reach."""

from __future__ import annotations

from typing import Any

from lazyaf.pools.docker import labels
from lazyaf.pools.docker.config import DockerPoolConfig
from lazyaf.pools.docker.labels import Role


def outside(config: DockerPoolConfig, subnet: str) -> dict[str, Any]:
    """The ordinary bridge of relay and proxy, who have nothing to say to each other."""
    options = {"com.docker.network.bridge.enable_icc": "false"}
    return _network(config, Role.OUTSIDE, subnet, options, internal=False)


def cell(config: DockerPoolConfig, slot: int, subnet: str) -> dict[str, Any]:
    """A slot's own network: internal, and without an address of the host's in it, which `Internal`
    alone would leave reachable with every port."""
    options = {"com.docker.network.bridge.inhibit_ipv4": "true"}
    return _network(config, Role.CELL, subnet, options, internal=True, slot=slot)


def _network(
    config: DockerPoolConfig,
    role: Role,
    subnet: str,
    options: dict[str, str],
    *,
    internal: bool,
    slot: int | None = None,
) -> dict[str, Any]:
    named = {} if slot is None else {"slot": str(slot)}
    return {
        "Name": labels.network_name(role, config.server_id, slot),
        "Driver": "bridge",
        "CheckDuplicate": True,
        "Internal": internal,
        "EnableIPv6": False,
        "IPAM": {"Driver": "default", "Config": [{"Subnet": subnet}]},
        "Options": options,
        "Labels": labels.labels(role, config.server_id, **named),
    }
