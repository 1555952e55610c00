"""Credentials of real remotes at rest: sealed, and bound to their repository.

What is sealed says for which origin it is: it is given to no other. Nobody but git ever gets it back.
"""

from __future__ import annotations

import json
from typing import Final

from lazyaf.domain.remotes import Login, origin_of
from lazyaf.services.credentials import LeaseKeys
from lazyaf.services.sealing import open_text, seal_text

PURPOSE: Final = "credentials of remotes"


def seal(keys: LeaseKeys, repo_id: str, login: Login) -> bytes:
    """What may be stored of a login."""
    text = json.dumps([login.origin, login.username, login.password])
    return seal_text(keys, PURPOSE, repo_id, text)


def unseal(keys: LeaseKeys, repo_id: str, sealed: bytes | None, url: str) -> Login | None:
    """The login for this URL; None when there is none for its origin, or when it cannot be opened any
    more."""
    text = None if sealed is None else open_text(keys, PURPOSE, repo_id, sealed)
    if text is None:
        return None
    login = Login(*json.loads(text))
    return login if login.origin == origin_of(url) else None
