"""Which client speaks to which forge: `ForgeClients` is what `main` injects as the port `Forges`."""

from __future__ import annotations

from typing import Final

from lazyaf.domain.forges import Access, ForgeKind, ForgeRepo, Look, NewPull, Pull
from lazyaf.forges.client import ForgeClient
from lazyaf.forges.gitea import Gitea
from lazyaf.forges.github import GitHub
from lazyaf.forges.gitlab import GitLab
from lazyaf.forges.http import ForgeHttp

CLIENTS: Final[dict[ForgeKind, type[ForgeClient]]] = {
    ForgeKind.GITHUB: GitHub,
    ForgeKind.GITLAB: GitLab,
    ForgeKind.GITEA: Gitea,
}


class ForgeClients:
    """Every forge, over one set of connections."""

    def __init__(self, http: ForgeHttp | None = None) -> None:
        self._http = http or ForgeHttp()

    async def open(self, at: ForgeRepo, token: str, new: NewPull) -> Pull:
        """See `lazyaf.domain.ports.Forges`."""
        return await self._client(at, token).open(new)

    async def look(self, at: ForgeRepo, token: str, number: int, etag: str | None) -> Look:
        """See `lazyaf.domain.ports.Forges`."""
        return await self._client(at, token).look(number, etag)

    async def access(self, at: ForgeRepo, token: str) -> Access:
        """See `lazyaf.domain.ports.Forges`."""
        return await self._client(at, token).access()

    async def close(self) -> None:
        """See `lazyaf.domain.ports.Forges`."""
        await self._http.close()

    def _client(self, at: ForgeRepo, token: str) -> ForgeClient:
        return CLIENTS[at.kind](self._http, at, token)
