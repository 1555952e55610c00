"""Gitea and Forgejo, Codeberg among them. Source: the forges' own description at ``/api/swagger``, operations
repoListPullRequests, repoCreatePullRequest, repoGetPullRequest and repoGet."""

from __future__ import annotations

import re
from typing import Any, Final

from lazyaf.domain.forges import Access, NewPull, Pull, PullState
from lazyaf.forges.client import ForgeClient
from lazyaf.forges.reading import items, may_push, members, pull_of

PAGE: Final = 50
"""The most that a page has where nothing else is configured (``MAX_RESPONSE_ITEMS``)."""
PAGES_MAX: Final = 40
_DRAFT: Final = re.compile(r"(WIP:|\[WIP\])", re.IGNORECASE)
"""How a title says that it is a draft; older versions have no field for it."""


class Gitea(ForgeClient):
    """One repository on Gitea or Forgejo."""

    pulls = "/pulls"
    exists = 409

    @property
    def repo_url(self) -> str:
        """By owner and name."""
        return f"{self.at.api_url}/repos/{self.at.path}"

    def credential(self) -> dict[str, str]:
        """An access token."""
        return {"Authorization": f"token {self._token}"}

    def body_of(self, new: NewPull) -> dict[str, object]:
        """As CreatePullRequestOption has it."""
        return {"title": new.title, "body": new.body, "head": new.branch, "base": new.base}

    async def find(self, branch: str, base: str) -> Pull | None:
        """There is no filter by branch, so the open ones are looked through."""
        for page in range(1, PAGES_MAX + 1):
            query: dict[str, str | int] = {"state": "open", "page": page, "limit": PAGE}
            answer = self.require(await self.ask("GET", self.pulls, query=query))
            found = items(self.at, answer.body)
            for each in found:
                if self._is_of(each, branch, base):
                    return self.pull_in(each)
            if not found:  # a server may give fewer to a page than it was asked for
                return None
        return None

    async def access(self) -> Access:
        """``permissions`` are those of the token's owner."""
        found = members(self.at, self.require(await self.ask("GET", "")).body)
        name = str(found.get("full_name") or self.at.path)
        return Access(name, may_push(found), found.get("archived") is True)

    def pull_in(self, body: Any) -> Pull:
        """A merged one is closed as well."""
        found = members(self.at, body)
        if found.get("merged") is True:
            state = PullState.MERGED
        elif found.get("state") == "closed":
            state = PullState.CLOSED
        else:
            says_so = _DRAFT.match(str(found.get("title", ""))) is not None
            state = PullState.DRAFT if found.get("draft", says_so) is True else PullState.OPEN
        return pull_of(self.at, found.get("number"), found.get("html_url"), state)

    def _is_of(self, found: dict[str, Any], branch: str, base: str) -> bool:
        """A fork's branch may have the same name."""
        head, into = members(self.at, found.get("head")), members(self.at, found.get("base"))
        is_here = head.get("repo_id") == into.get("repo_id")
        return is_here and head.get("ref") == branch and into.get("ref") == base
