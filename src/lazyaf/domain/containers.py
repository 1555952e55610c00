"""Of what a pool's containers are made and how much each may use. The server's settings give the defaults;
what a person chose counts instead until it is taken back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

IMAGE_MAX: Final = 255
"""Characters in the name of an image."""
MEMORY_MIN_MB: Final = 256
CPUS_MAX: Final = 1024
PIDS_MIN: Final = 64
DISK_MIN_MB: Final = 64

_COMPONENT = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_IMAGE = re.compile(
    rf"(?:[A-Za-z0-9][A-Za-z0-9.-]*(?::\d{{1,5}})?/)?{_COMPONENT}(?:/{_COMPONENT})*"
    r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?"
)


@dataclass(frozen=True, slots=True)
class Containers:
    """The image of runners' containers, and what one of them may use: megabytes of memory, processors,
    processes and megabytes of files.

    The files of a warm runner are in memory (tmpfs) and count as such.
    """

    image: str
    memory_mb: int = 4096
    cpus: float = 2.0
    pids: int = 1024
    disk_mb: int = 2048

    def with_chosen(self, chosen: Mapping[str, Any]) -> Containers:
        """The same with what a person chose."""
        return Containers(**{**asdict(self), **chosen})


@dataclass(frozen=True, slots=True)
class Kind:
    """In which containers a job can run: in those of the ``image`` that its repository names, None for the
    pool's own one, and in those with the cache of this repository, None for any."""

    image: str | None = None
    cache: str | None = None


WARM: Final = Kind()
"""The kind of a container that takes any job of a repository that names nothing."""


@dataclass(frozen=True, slots=True)
class Coming:
    """What a pool needs next: the kinds of the jobs whose turn comes; ``kinds`` is None when all are
    `WARM`, whatever comes. ``busy`` are the runners that have a job at the same moment, ``large`` the bytes of
    the large repositories of which a job waits or runs."""

    kinds: tuple[Kind, ...] | None
    busy: frozenset[str]
    large: Mapping[str, int] = field(default_factory=dict)


def is_image(text: str) -> bool:
    """Whether this can be the name of an image: ``name:tag`` with or without a registry before it."""
    return len(text) <= IMAGE_MAX and _IMAGE.fullmatch(text) is not None


def choose(chosen: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """What is chosen after these changes; one to None takes a choice back."""
    return {name: value for name, value in {**chosen, **changes}.items() if value is not None}
