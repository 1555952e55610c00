"""What stands between a job in a container and the world: which hosts it may reach, what it is given.

A host is written ``name:port``; ``.name:port`` stands for everything below that name as well, and the port
may be ``*``.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from typing import Final

HOSTS_MAX: Final = 100
# Labels begin where dots end, so there is one way to read a name: a long one that is none takes no time.
_HOST: Final = re.compile(r"(\.?[a-z0-9][a-z0-9-]*(?:\.[a-z0-9][a-z0-9-]*)*):(\*|\d{1,5})")


@dataclass(frozen=True, slots=True)
class AgentNeeds:
    """What an agent needs of the machine that the server runs on: variables, among them its model's key,
    and the hosts of its model."""

    env: dict[str, str] = field(default_factory=dict, repr=False)
    hosts: tuple[str, ...] = ()


def parse_host(text: str) -> str | None:
    """A host as it is compared, or None when it is none. ``name`` alone means port 443."""
    text = text.strip().lower()
    match = _HOST.fullmatch(text if ":" in text else f"{text}:443")
    if match is None or len(match[1]) > 253:
        return None
    if match[2] != "*" and not 1 <= int(match[2]) <= 65535:
        return None
    return f"{match[1]}:{match[2]}"


def is_never_reached(host: str) -> bool:
    """Whether the egress proxy refuses this host whatever is allowed, as it is written: an address of whichever
    machine asks, or one at which clouds keep their credentials (images/egress/squid.conf)."""
    try:
        address = ipaddress.ip_address(host.rpartition(":")[0])
    except ValueError:
        return False
    return (
        address.is_loopback
        or address.is_link_local
        or address.is_unspecified
        or address.is_multicast
    )
