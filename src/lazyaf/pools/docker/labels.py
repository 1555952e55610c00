"""Names and labels by which the pool knows its own things again, also after its server died."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

SERVER: Final = "lazyaf.server"
ROLE: Final = "lazyaf.role"
SLOT: Final = "lazyaf.slot"
RUNNER: Final = "lazyaf.runner"
TOKEN: Final = "lazyaf.token-id"  # noqa: S105 - the name of a label; its value is a token's id
MADE_OF: Final = "lazyaf.made-of"
IMAGE: Final = "lazyaf.image"
REPO: Final = "lazyaf.repo"


class Role(StrEnum):
    """What a container or network of the pool is for."""

    RUNNER = "runner"
    RELAY = "relay"
    EGRESS = "egress"
    OUTSIDE = "outside"
    """The ordinary bridge, in which relay and proxy have a leg."""
    CELL = "cell"
    """A slot's internal network."""
    RUNTIME = "runtime"
    """The volume with the runner for other images, and the container that stands for it being full."""
    CHECK = "check"
    """Looks whether a runner can work in an image."""
    CACHE = "cache"
    """The volume with a large repository's objects, and the container that filled it."""


_PREFIXES: Final = {
    Role.RUNNER: "runner",
    Role.RELAY: "relay",
    Role.EGRESS: "proxy",
    Role.RUNTIME: "runtime",
    Role.CHECK: "check",
    Role.CACHE: "cache",
}


def container_name(role: Role, server_id: str, suffix: str = "") -> str:
    """``lazyaf-runner-<server>-<suffix>``, ``lazyaf-relay-<server>``, ``lazyaf-proxy-<server>``."""
    return "-".join(filter(None, ("lazyaf", _PREFIXES[role], server_id, suffix)))


def network_name(role: Role, server_id: str, slot: int | None = None) -> str:
    """``lazyaf-outside-<server>`` or ``lazyaf-cell-<server>-<slot>``."""
    return "-".join(filter(None, ("lazyaf", role.value, server_id, str(slot or ""))))


def volume_name(server_id: str, image_id: str) -> str:
    """``lazyaf-runtime-<server>-<image>``: the runner of the image with this id."""
    return f"lazyaf-runtime-{server_id}-{image_id.removeprefix('sha256:')[:12]}"


def cache_name(server_id: str, repo_id: str, suffix: str) -> str:
    """``lazyaf-cache-<server>-<repository>-<suffix>``: the volume, and the container that filled it."""
    return f"lazyaf-cache-{server_id}-{repo_id}-{suffix}"


def labels(role: Role, server_id: str, **more: str) -> dict[str, str]:
    """The labels of one thing; ``more`` by the last word of their name."""
    known = {"slot": SLOT, "runner": RUNNER, "token": TOKEN, "made_of": MADE_OF}
    known |= {"image": IMAGE, "repo": REPO}
    return {SERVER: server_id, ROLE: role.value, **{known[key]: text for key, text in more.items()}}


def of_server(server_id: str, role: Role | None = None) -> dict[str, list[str]]:
    """The engine's filter for everything of this server, or for one role."""
    wanted = [f"{SERVER}={server_id}"]
    return {"label": wanted if role is None else [*wanted, f"{ROLE}={role.value}"]}


def slot_of(found: Mapping[str, str]) -> int | None:
    """The slot that labels speak of."""
    text = found.get(SLOT, "")
    return int(text) if text.isdigit() else None
