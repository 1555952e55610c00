"""The token for a repository's forge: kept, forgotten, tried, and given to nobody but the forge."""

from __future__ import annotations

from typing import Any

from lazyaf.domain.errors import Conflict, Invalid
from lazyaf.domain.events import Actor, EventType
from lazyaf.domain.forges import TOKEN, Access, ForgeRepo
from lazyaf.domain.remotes import origin_of
from lazyaf.services.announce import repo_changed
from lazyaf.services.context import Context
from lazyaf.services.credentials import LeaseKeys
from lazyaf.services.forge_place import forge_of, shares_login
from lazyaf.services.forge_secret import ForgeSecret, open_forge, seal_forge
from lazyaf.services.remote_login import unseal
from lazyaf.services.repositories import find_repo
from lazyaf.services.views import repo_view
from lazyaf.store.repos import RepoRow, update_repo
from lazyaf.store.tx import Tx


async def keep_token(ctx: Context, repo_id: str, token: str, actor: Actor) -> dict[str, Any]:
    """Keep a token for the forge that the repository is on now, in place of the one before; the
    repository. Raises `Conflict` ``forge_unknown``, or `Invalid`."""
    if not TOKEN.fullmatch(token):
        raise Invalid.field("token", "A token has letters, digits and signs, and no spaces.")
    repo = await ctx.db.read(find_repo, repo_id)
    at = forge_of(repo)
    secret = ForgeSecret(at.api_origin, origin_of(repo.remote_url or ""), token)
    sealed = seal_forge(ctx.keys, repo.id, secret)
    return await ctx.db.write(_keep, repo.id, sealed, actor, ctx.clock.now())


async def forget_token(ctx: Context, repo_id: str, actor: Actor) -> None:
    """Delete the kept token; none is fine."""
    await ctx.db.write(_keep, repo_id, None, actor, ctx.clock.now())


def _keep(tx: Tx, repo_id: str, sealed: bytes | None, actor: Actor, now: str) -> dict[str, Any]:
    repo = find_repo(tx, repo_id)
    if sealed is not None or repo.forge_secret is not None:
        repo = update_repo(tx, repo, {"forge_secret": sealed, "updated_at": now})
        repo_changed(tx, EventType.REPO_UPDATED, repo, actor)
    return repo_view(tx, repo)


def token_for(keys: LeaseKeys, repo: RepoRow, at: ForgeRepo) -> str:
    """The token for this forge: the kept one, or git's password where a person said that it serves.

    Raises `Conflict` ``forge_token_wanted``.
    """
    kept = open_forge(keys, repo.id, repo.forge_secret)
    if kept is not None and kept.api_origin == at.api_origin:
        return kept.token
    if shares_login(repo):
        login = unseal(keys, repo.id, repo.remote_secret, repo.remote_url or "")
        if login is not None and TOKEN.fullmatch(login.password):
            return login.password
    raise Conflict(
        f"No token for {at.host} is kept. Make one there and keep it in the repository's settings, under "
        f"Forge, or with `lazyaf repo forge {repo.name} --set-token`.",
        code="forge_token_wanted",
    )


async def try_token(ctx: Context, repo_id: str) -> dict[str, Any]:
    """Ask the forge what the kept token sees: ``{repository, may_write, archived, detail}``.

    Raises what the forge refuses, and as `token_for`.
    """
    repo = await ctx.db.read(find_repo, repo_id)
    at = forge_of(repo)
    access = await ctx.forges.access(at, token_for(ctx.keys, repo, at))
    return {
        "repository": access.full_name,
        "may_write": access.may_write,
        "archived": access.is_archived,
        "detail": _told(at, access),
    }


def _told(at: ForgeRepo, access: Access) -> str:
    name = f"{access.full_name} on {at.host}"
    if access.is_archived:
        return f"{name} is archived, so it takes no {at.noun}s."
    if access.may_write is False:
        return (
            f"The token reads {name}, but its owner may not write there, so it opens no {at.noun}."
        )
    if access.may_write is None:
        return f"The token reads {name}. Whether it may write shows with the first {at.noun}."
    return (
        f"The token reads {name}, and its owner may write there. Whether the token itself may, shows with "
        f"the first {at.noun}: no forge tells without trying."
    )
