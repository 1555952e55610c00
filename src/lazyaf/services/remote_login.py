"""Credentials of real remotes at rest: sealed with a key that is derived from the server's secret.

AES-256-GCM by the library `cryptography`. What is sealed is bound to its repository, and says for
which origin it is: it is given to no other. Nobody but git ever gets it back. The library takes 6 MB and
is loaded by whoever has such credentials.
"""

from __future__ import annotations

import json
import os
from typing import Final

from lazyaf.domain.remotes import Login, origin_of
from lazyaf.services.credentials import LeaseKeys

PURPOSE: Final = "credentials of remotes"
_NONCE: Final = 12
"""Bytes, as NIST SP 800-38D recommends."""


def seal(keys: LeaseKeys, repo_id: str, login: Login) -> bytes:
    """What may be stored of a login."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(_NONCE)
    text = json.dumps([login.origin, login.username, login.password]).encode()
    return nonce + AESGCM(keys.key(PURPOSE)).encrypt(nonce, text, repo_id.encode())


def unseal(keys: LeaseKeys, repo_id: str, sealed: bytes | None, url: str) -> Login | None:
    """The login for this URL; None when there is none for its origin, or when it was sealed with
    another secret, as after moving a database without the data directory."""
    if sealed is None:
        return None
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        text = AESGCM(keys.key(PURPOSE)).decrypt(sealed[:_NONCE], sealed[_NONCE:], repo_id.encode())
    except (InvalidTag, ValueError):
        return None
    login = Login(*json.loads(text))
    return login if login.origin == origin_of(url) else None
