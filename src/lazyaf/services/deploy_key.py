"""The key with which the server reaches a repository's remote over ssh, and whose host it is.

An Ed25519 pair per repository: the private half is sealed at rest and shown to nobody, the public half is for
the deploy keys of the remote's host. The host's own key is taken as it is the first time, shown, and pinned.
"""

from __future__ import annotations

from typing import Any, Final

from lazyaf.domain.errors import Conflict, Invalid
from lazyaf.domain.events import Actor, EventType
from lazyaf.domain.remotes import DeployKey, Remote, ssh_host
from lazyaf.git.remotes import meet_host
from lazyaf.services.announce import repo_changed
from lazyaf.services.context import Context
from lazyaf.services.credentials import LeaseKeys
from lazyaf.services.remote_login import login_for
from lazyaf.services.repositories import find_repo
from lazyaf.services.sealing import open_text, seal_text
from lazyaf.services.views import repo_view
from lazyaf.store.repos import RepoRow, get_repo, update_repo
from lazyaf.store.tx import Tx

PURPOSE: Final = "deploy keys"
COLUMNS: Final = ("deploy_key", "deploy_key_public", "host_keys")
"""What a repository's row has of its key; they come and go together."""


def new_pair(comment: str) -> tuple[str, str]:
    """A fresh key: its private and its public half, as OpenSSH writes them."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.OpenSSH,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    return private.decode(), f"{public.decode()} {comment}"


def with_access(keys: LeaseKeys, repo: RepoRow, remote: Remote) -> Remote:
    """The remote with what is kept to be let in, unless it has its own login already.

    Only the repository's own remote has a key. Raises `Conflict` ``deploy_key_missing`` where one is needed.
    """
    if ssh_host(remote.url) is None:
        if remote.login is not None:
            return remote
        return Remote(remote.url, login_for(keys, repo, remote.url))
    private = None
    if remote.url == repo.remote_url and repo.deploy_key is not None:
        private = open_text(keys, PURPOSE, repo.id, repo.deploy_key)
    if private is None:
        raise Conflict(
            f"The server has no deploy key for {remote.url}. Make it the remote of {repo.name} and make a key "
            "in the repository's settings.",
            code="deploy_key_missing",
        )
    return Remote(remote.url, key=DeployKey(private, repo.host_keys or ""))


async def make_deploy_key(ctx: Context, repo_id: str, actor: Actor) -> dict[str, Any]:
    """Make a key for the repository's remote, in place of one that it has, and pin its host's; returns the
    repository. Raises `Invalid`, or `Conflict` ``remote_unreachable``."""
    repo = await ctx.db.read(find_repo, repo_id)
    values = await fresh_key(ctx, repo.id, repo.name, repo.remote_url or "")
    return await ctx.db.write(_change, repo.id, repo.remote_url, values, actor, ctx.clock.now())


async def fresh_key(ctx: Context, repo_id: str, name: str, url: str) -> dict[str, Any]:
    """The columns of a new key for this remote, whose host was met."""
    if ssh_host(url) is None:
        raise Invalid.field(
            "remote_url",
            "Only a remote over ssh (git@host:owner/repository.git) needs a deploy key.",
        )
    private, public = new_pair(f"lazyaf-{name}")
    host_keys = await meet_host(ctx.git, Remote(url, key=DeployKey(private)))
    return {
        "deploy_key": seal_text(ctx.keys, PURPOSE, repo_id, private),
        "deploy_key_public": public,
        "host_keys": host_keys,
    }


async def pin_host(ctx: Context, repo_id: str, actor: Actor) -> dict[str, Any]:
    """Pin the key that the remote's host shows now, in place of the one that was; returns the repository."""
    repo = await ctx.db.read(find_repo, repo_id)
    remote = with_access(ctx.keys, repo, Remote(repo.remote_url or ""))
    private = remote.key.private if remote.key is not None else ""
    values = {"host_keys": await meet_host(ctx.git, Remote(remote.url, key=DeployKey(private)))}
    return await ctx.db.write(_change, repo.id, repo.remote_url, values, actor, ctx.clock.now())


def _change(
    tx: Tx, repo_id: str, url: str | None, values: dict[str, Any], actor: Actor, now: str
) -> dict[str, Any]:
    repo = get_repo(tx, repo_id)
    if repo.remote_url != url:
        raise Conflict("The remote was changed meanwhile. Try again.")
    changed = update_repo(tx, repo, {**values, "updated_at": now})
    repo_changed(tx, EventType.REPO_UPDATED, changed, actor)
    return repo_view(tx, changed)
