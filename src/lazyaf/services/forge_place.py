"""Which forge a repository's remote is on, as its row tells; asks nobody."""

from __future__ import annotations

from typing import Any

from lazyaf.domain.errors import Conflict
from lazyaf.domain.forges import NAMES, ForgeRepo, forge_repo, noun_of, place_of
from lazyaf.store.repos import RepoRow


def forge_of(repo: RepoRow) -> ForgeRepo:
    """The repository on its forge, or `Conflict` ``forge_unknown``. What a person set counts, never the
    repository's own file: it says where a token goes."""
    return forge_repo(
        repo.remote_url, repo.settings.get("forge"), repo.settings.get("forge_api_url")
    )


def api_origin(repo: RepoRow) -> str | None:
    """Where its token would go; None while nobody knows."""
    try:
        return forge_of(repo).api_origin
    except Conflict:
        return None


def shares_login(repo: RepoRow) -> bool:
    """Whether git's password for the remote and the forge's token serve for each other: where a person said
    so, and the API is where the remote's own URL has it. Another address never gets git's password."""
    if repo.settings.get("forge_shares_login") is not True:
        return False
    try:
        usual = forge_repo(repo.remote_url, repo.settings.get("forge"))
    except Conflict:
        return False
    return api_origin(repo) == usual.api_origin


def forge_view(repo: RepoRow) -> dict[str, Any] | None:
    """What clients are told of it; None where the remote is on no host."""
    place = place_of(repo.remote_url or "")
    if place is None:
        return None
    try:
        at: ForgeRepo | None = forge_of(repo)
    except Conflict:
        at = None
    has_login = shares_login(repo) and repo.remote_secret is not None
    return {
        "host": place.host,
        "kind": at.kind.value if at else None,
        "name": NAMES[at.kind] if at else None,
        "noun": noun_of(at.kind if at else None),
        "path": at.path if at else place.path,
        "api_url": at.api_url if at else None,
        "has_token": repo.forge_secret is not None or has_login,
        "keeps_token": repo.forge_secret is not None,
    }
