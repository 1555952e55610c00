"""Credentials of real remotes at rest: sealed, and bound to their repository.

What is sealed says for which origin it is: it is given to no other. Nobody but git ever gets it back.
"""

from __future__ import annotations

import json
from typing import Final

from lazyaf.domain.remotes import ANYONE, Login, origin_of
from lazyaf.services.credentials import LeaseKeys
from lazyaf.services.forge_place import shares_login
from lazyaf.services.forge_secret import open_forge
from lazyaf.services.sealing import open_text, seal_text
from lazyaf.store.repos import RepoRow

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


def login_for(keys: LeaseKeys, repo: RepoRow, url: str) -> Login | None:
    """What git is given for this URL: the remote's kept login, or the forge's token where a person said
    that it serves; None when there is neither for its origin."""
    login = unseal(keys, repo.id, repo.remote_secret, url)
    if login is not None or not shares_login(repo):
        return login
    kept = open_forge(keys, repo.id, repo.forge_secret)
    if kept is None or kept.remote_origin is None or kept.remote_origin != origin_of(url):
        return None
    return Login(kept.remote_origin, ANYONE, kept.token)
