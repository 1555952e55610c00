"""Which addresses the pool's networks have: pieces of a range that nobody's network uses.

The default range is 198.18.0.0/15, set aside by RFC 2544 for tests of network devices: it is no one's
LAN, and the engine's own pools, of which one network per slot would soon use up all, are left alone.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network
from itertools import islice
from typing import Final

from lazyaf.domain.errors import Unavailable

PREFIX: Final = 28
"""Fourteen addresses: gateway, relay, proxy and a runner."""
MORE_ROOM: Final = (
    "Give LazyAF another range with LAZYAF_RUNNER_SUBNETS, or remove networks that nobody uses "
    "(`docker network prune`)."
)


@dataclass(frozen=True, slots=True)
class Places:
    """Who has which address in one network. Nobody has the gateway's in a slot's network."""

    subnet: str
    gateway: str
    relay: str
    egress: str
    runner: str


def places(subnet: str) -> Places:
    """The addresses in this subnet, in their fixed order."""
    hosts = [str(host) for host in islice(ipaddress.ip_network(subnet).hosts(), 4)]
    gateway, relay, egress, runner = hosts
    return Places(subnet, gateway, relay, egress, runner)


def free_subnet(space: str, taken: Iterable[str]) -> str:
    """The first piece of the range that touches none of those taken. Raises `Unavailable`."""
    used = [IPv4Network(each, strict=False) for each in taken if ":" not in each]
    for piece in IPv4Network(space).subnets(new_prefix=PREFIX):
        if not any(piece.overlaps(other) for other in used):
            return str(piece)
    raise Unavailable(
        f"Every piece of {space} is taken by other networks of the engine. {MORE_ROOM}"
    )
