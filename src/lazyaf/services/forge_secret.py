"""The token of a repository's forge at rest: sealed, and bound to the repository.

What is sealed says for which API it is, and which remote's host it was given for; it goes nowhere else.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Final

from lazyaf.services.credentials import LeaseKeys
from lazyaf.services.sealing import open_text, seal_text

PURPOSE: Final = "tokens of forges"


@dataclass(frozen=True, slots=True)
class ForgeSecret:
    """A token, the origin of the API that it is for, and the origin of the remote if that is an HTTP
    URL."""

    api_origin: str
    remote_origin: str | None
    token: str = field(repr=False)


def seal_forge(keys: LeaseKeys, repo_id: str, secret: ForgeSecret) -> bytes:
    """What may be stored of it."""
    text = json.dumps([secret.api_origin, secret.remote_origin, secret.token])
    return seal_text(keys, PURPOSE, repo_id, text)


def open_forge(keys: LeaseKeys, repo_id: str, sealed: bytes | None) -> ForgeSecret | None:
    """The token; None when there is none, or when it cannot be opened any more."""
    text = None if sealed is None else open_text(keys, PURPOSE, repo_id, sealed)
    return None if text is None else ForgeSecret(*json.loads(text))
