"""Files that a person attaches to a card for its agent: what one may be called, and what it is.

Names come from browsers and shells and end in an agent's prompt and on a runner's disk, so what a path,
a shell or a terminal would read something into is taken out. The type is found out of the bytes: what a
browser said of them is not asked.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

NAME_MAX: Final = 150
"""Bytes of a name in UTF-8."""
SUFFIX_MAX: Final = 20
"""Characters behind the last dot that are kept when a name is shortened."""
HEAD: Final = 4096
"""How many of a file's first bytes tell its type."""
TEXT: Final = "text/plain"
UNKNOWN: Final = "application/octet-stream"
PICTURES: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""What a browser may show in place: none of it can hold a script."""

_RISKY: Final = frozenset("\"'`$<>|:*?;&!{}[]\\")
_MAGIC: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
    (b"\x1f\x8b", "application/gzip"),
)


@dataclass(frozen=True, slots=True)
class AttachmentLimits:
    """What a card may have: bytes of one file, how many files, bytes of all of them."""

    file: int
    count: int
    total: int


def clean_name(said: str) -> str:
    """The name under which a file is kept: one part of a path, one line, nothing hidden, never empty."""
    last = re.split(r"[/\\]", said)[-1]
    text = "".join(_plain(char) for char in unicodedata.normalize("NFC", last))
    name = " ".join(text.split()).strip(". ")
    return _shortened(name, "") or "file"


def _plain(char: str) -> str:
    category = unicodedata.category(char)
    if category.startswith("Z") or char in "\t\n\r":
        return " "
    if category.startswith("C"):  # control, format (the bidirectional ones), surrogates, unassigned
        return ""
    return "_" if char in _RISKY else char


def free_name(name: str, taken: Iterable[str]) -> str:
    """The name, or the first of ``name-2``, ``name-3`` … that is not taken, whatever its case."""
    used = {other.casefold() for other in taken}
    number, found = 1, name
    while found.casefold() in used:
        number += 1
        found = _shortened(name, f"-{number}")
    return found


def _shortened(name: str, added: str) -> str:
    """The name with something added before its suffix, the stem cut so that all of it fits."""
    stem, dot, suffix = name.rpartition(".")
    if not dot or len(suffix) > SUFFIX_MAX:
        stem, dot, suffix = name, "", ""
    room = NAME_MAX - len(f"{added}{dot}{suffix}".encode())
    kept = stem.encode()[:room].decode("utf-8", "ignore").rstrip(". ")
    return f"{kept}{added}{dot}{suffix}"


def sniff(head: bytes) -> str:
    """The media type of a file that begins with these bytes (`HEAD` of them, or all)."""
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp"
    for magic, found in _MAGIC:
        if head.startswith(magic):
            return found
    try:
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(head)
    except UnicodeDecodeError:
        return UNKNOWN
    if "\0" in text:
        return UNKNOWN
    begins = text.lstrip()
    is_drawing = begins.startswith("<svg") or (begins.startswith("<?xml") and "<svg" in begins)
    return "image/svg+xml" if is_drawing else TEXT
