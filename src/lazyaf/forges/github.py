"""GitHub and GitHub Enterprise. Source: docs.github.com/rest/pulls/pulls and …/rest/repos/repos."""

from __future__ import annotations

from typing import Any, Final

from lazyaf.domain.forges import Access, NewPull, Pull, PullState
from lazyaf.forges.client import ForgeClient
from lazyaf.forges.reading import items, may_push, members, pull_of

VERSION: Final = "2022-11-28"


class GitHub(ForgeClient):
    """One repository on GitHub."""

    pulls = "/pulls"
    exists = 422

    @property
    def repo_url(self) -> str:
        """By owner and name."""
        return f"{self.at.api_url}/repos/{self.at.path}"

    def credential(self) -> dict[str, str]:
        """Fine-grained and classic tokens alike."""
        return {
            "Authorization": f"Bearer {self._token}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": VERSION,
        }

    def body_of(self, new: NewPull) -> dict[str, object]:
        """As *Create a pull request* has it."""
        return {"title": new.title, "body": new.body, "head": new.branch, "base": new.base}

    async def find(self, branch: str, base: str) -> Pull | None:
        """``head`` wants the owner before the branch; without one the filter is passed over."""
        owner = self.at.path.partition("/")[0]
        query: dict[str, str | int] = {"state": "open", "head": f"{owner}:{branch}", "base": base}
        answer = self.require(await self.ask("GET", self.pulls, query=query))
        for found in items(self.at, answer.body):
            if members(self.at, found.get("head")).get("ref") == branch:
                return self.pull_in(found)
        return None

    async def access(self) -> Access:
        """``permissions`` are those of the token's owner."""
        found = members(self.at, self.require(await self.ask("GET", "")).body)
        name = str(found.get("full_name") or self.at.path)
        return Access(name, may_push(found), found.get("archived") is True)

    def pull_in(self, body: Any) -> Pull:
        """In lists ``merged`` is not there, ``merged_at`` is."""
        found = members(self.at, body)
        if found.get("merged") is True or found.get("merged_at"):
            state = PullState.MERGED
        elif found.get("state") == "closed":
            state = PullState.CLOSED
        else:
            state = PullState.DRAFT if found.get("draft") is True else PullState.OPEN
        return pull_of(self.at, found.get("number"), found.get("html_url"), state)
