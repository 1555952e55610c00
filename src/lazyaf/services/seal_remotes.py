"""At start: credentials that an older version left in the URLs of remotes are sealed."""

from __future__ import annotations

from typing import Final

from lazyaf.domain.errors import Invalid
from lazyaf.domain.events import SERVER, EventType
from lazyaf.domain.remotes import Remote, parse_remote
from lazyaf.services.announce import repo_changed
from lazyaf.services.context import Context
from lazyaf.services.remote_login import seal
from lazyaf.store.repos import RepoRow, get_repo, list_repos, update_repo
from lazyaf.store.tx import Tx

PAGE: Final = 500


async def seal_remotes(ctx: Context) -> None:
    """Take the credentials out of every remote's URL; none is left, so again it does nothing."""
    after: str | None = None
    while page := await ctx.db.read(_page, after):
        for repo in page:
            remote = _parsed(repo.remote_url)
            if remote is not None and remote.login is not None:
                sealed = seal(ctx.keys, repo.id, remote.login)
                await ctx.db.write(_change, repo.id, remote.url, sealed, ctx.clock.now())
        after = page[-1].name


def _page(tx: Tx, after: str | None) -> list[RepoRow]:
    return list_repos(tx, after=after, limit=PAGE)


def _parsed(url: str | None) -> Remote | None:
    try:
        return parse_remote(url) if url else None
    except Invalid:  # it is no use as it is, and holds nothing that could be told apart
        return None


def _change(tx: Tx, repo_id: str, url: str, sealed: bytes, now: str) -> None:
    values = {"remote_url": url, "remote_secret": sealed, "updated_at": now}
    repo_changed(tx, EventType.REPO_UPDATED, update_repo(tx, get_repo(tx, repo_id), values), SERVER)
