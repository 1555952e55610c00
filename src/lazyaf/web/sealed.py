"""Bytes that others wrote, on their way to a browser."""

from __future__ import annotations

from typing import Any, Final

from lazyaf.domain.attachments import UNKNOWN

SEALED: Final = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, no-store",
}
"""They may be hostile: a browser is told to run nothing of them, and to keep none of them."""


def sealed_bytes(description: str) -> dict[int | str, dict[str, Any]]:
    """What OpenAPI says of an answer of bytes."""
    content = {UNKNOWN: {"schema": {"type": "string", "format": "binary"}}}
    return {200: {"description": description, "content": content}}
