"""Seals what must be kept and never shown, with keys that are derived from the server's secret.

AES-256-GCM by the library `cryptography`, which takes 6 MB and is loaded by whoever has something sealed.
What is sealed is bound to its context, the id of what it belongs to: moved elsewhere it cannot be opened.
"""

from __future__ import annotations

import os
from typing import Final

from lazyaf.services.credentials import LeaseKeys

_NONCE: Final = 12
"""Bytes, as NIST SP 800-38D recommends."""


def seal_text(keys: LeaseKeys, purpose: str, context: str, text: str) -> bytes:
    """What may be stored of a text."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(keys.key(purpose)).encrypt(nonce, text.encode(), context.encode())


def open_text(keys: LeaseKeys, purpose: str, context: str, sealed: bytes) -> str | None:
    """The text; None when it was sealed with another secret or for another context, as after moving a
    database without the data directory."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce, rest = sealed[:_NONCE], sealed[_NONCE:]
    try:
        return AESGCM(keys.key(purpose)).decrypt(nonce, rest, context.encode()).decode()
    except (InvalidTag, ValueError):
        return None
