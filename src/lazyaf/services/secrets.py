"""Variables of a repository for its setup command and its checks, which nobody reads again but those.

They are sealed at rest, write-only for people, travel in the claim's answer, and stand in the environment of
these commands alone: not in the agent's. A runner redacts their values from everything it sends.
"""

from __future__ import annotations

import re
from typing import Any, Final

from lazyaf.domain.errors import Conflict, Invalid, NotFound
from lazyaf.domain.events import Actor, EventType
from lazyaf.services.announce import repo_changed
from lazyaf.services.context import Context
from lazyaf.services.repositories import find_repo
from lazyaf.services.sealing import open_text, seal_text
from lazyaf.store.secrets import SecretRow, list_secrets, put_secret, remove_secret
from lazyaf.store.tx import Tx

PURPOSE: Final = "secrets of repositories"
COUNT_MAX: Final = 100
VALUE_MAX: Final = 32 * 1024
_NAME: Final = re.compile(r"(?!LAZYAF_)[A-Za-z_][A-Za-z0-9_]{0,99}")


async def set_secret(
    ctx: Context, repo_key: str, name: str, value: str, actor: Actor
) -> dict[str, Any]:
    """Keep a value under this name, in place of the one that it had; what may be shown of it."""
    if not _NAME.fullmatch(name):
        raise Invalid.field(
            "name",
            "A name has letters, digits and underscores, does not begin with a digit or with LAZYAF_, and "
            "has 100 characters at most.",
        )
    if not value or "\0" in value or len(value.encode()) > VALUE_MAX:
        raise Invalid.field(
            "value", f"A value is text of 1 to {VALUE_MAX // 1024} KiB without NUL."
        )
    repo = await ctx.db.read(find_repo, repo_key)
    sealed = seal_text(ctx.keys, PURPOSE, f"{repo.id}/{name}", value)
    row = SecretRow(repo.id, name, sealed, ctx.clock.now())
    await ctx.db.write(_put, row, actor)
    return _view(row)


def _put(tx: Tx, row: SecretRow, actor: Actor) -> None:
    known = {secret.name for secret in list_secrets(tx, row.repo_id)}
    if row.name not in known and len(known) >= COUNT_MAX:
        raise Conflict(f"A repository can have {COUNT_MAX} secrets. Delete one first.")
    repo = find_repo(tx, row.repo_id)
    put_secret(tx, row)
    repo_changed(tx, EventType.REPO_UPDATED, repo, actor)


def delete_secret(tx: Tx, repo_key: str, name: str, actor: Actor) -> None:
    """Forget it. Raises `NotFound`."""
    repo = find_repo(tx, repo_key)
    if not remove_secret(tx, repo.id, name):
        raise NotFound(f"{repo.name} has no secret {name}.")
    repo_changed(tx, EventType.REPO_UPDATED, repo, actor)


def show_secrets(tx: Tx, repo_key: str) -> list[dict[str, Any]]:
    """Names and times; a value is never shown."""
    return [_view(row) for row in list_secrets(tx, find_repo(tx, repo_key).id)]


def _view(row: SecretRow) -> dict[str, Any]:
    return {"name": row.name, "updated_at": row.updated_at}


async def setup_env(ctx: Context, repo_id: str) -> dict[str, str]:
    """The variables for a repository's setup command. What cannot be opened any more is left out."""
    rows = await ctx.db.read(list_secrets, repo_id)
    values = {
        row.name: open_text(ctx.keys, PURPOSE, f"{row.repo_id}/{row.name}", row.sealed)
        for row in rows
    }
    return {name: value for name, value in values.items() if value is not None}
