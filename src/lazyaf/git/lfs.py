"""Pointers of Git LFS: the small text that stands in a repository for a large file kept elsewhere."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

MAX_BYTES: Final = 1_024
"""A pointer is always smaller (git-lfs, "The Pointer")."""

_POINTER: Final = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n"
    rb"(?:ext-\d-[^\n]+\n)*"
    rb"oid sha256:(?P<oid>[0-9a-f]{64})\n"
    rb"size (?P<size>\d{1,18})\n"
)


@dataclass(frozen=True, slots=True)
class Pointer:
    """What a pointer names: the SHA-256 of the content and its bytes."""

    oid: str
    size: int


def pointer(content: bytes) -> Pointer | None:
    """The pointer that this content is, or None: only what git-lfs itself would write is one."""
    found = _POINTER.fullmatch(content) if len(content) < MAX_BYTES else None
    return None if found is None else Pointer(found["oid"].decode(), int(found["size"]))
