"""GitLab. Source: docs.gitlab.com/api/merge_requests and …/api/projects."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

from lazyaf.domain.forges import Access, NewPull, Pull, PullState
from lazyaf.forges.client import ForgeClient
from lazyaf.forges.reading import items, members, pull_of

DEVELOPER: Final = 30
"""The access level from which on one may push and open merge requests."""


class GitLab(ForgeClient):
    """One project on GitLab."""

    pulls = "/merge_requests"
    exists = 409

    @property
    def repo_url(self) -> str:
        """The path stands for the project's id, its slashes encoded."""
        return f"{self.at.api_url}/projects/{quote(self.at.path, safe='')}"

    def credential(self) -> dict[str, str]:
        """Personal, group and project tokens alike."""
        return {"PRIVATE-TOKEN": self._token}

    def body_of(self, new: NewPull) -> dict[str, object]:
        """As *Create MR* has it."""
        return {
            "title": new.title,
            "description": new.body,
            "source_branch": new.branch,
            "target_branch": new.base,
        }

    async def find(self, branch: str, base: str) -> Pull | None:
        """The open merge request from one branch into another; a fork may have one of that name, too."""
        query: dict[str, str | int] = {
            "state": "opened",
            "source_branch": branch,
            "target_branch": base,
        }
        answer = self.require(await self.ask("GET", self.pulls, query=query))
        for found in items(self.at, answer.body):
            if found.get("source_project_id") == found.get("target_project_id"):
                return self.pull_in(found)
        return None

    async def access(self) -> Access:
        """The higher of the levels that project and group give."""
        found = members(self.at, self.require(await self.ask("GET", "")).body)
        may = members(self.at, found.get("permissions") or {})
        given = [may.get("project_access"), may.get("group_access")]
        levels = [each.get("access_level") for each in given if isinstance(each, dict)]
        known = [level for level in levels if isinstance(level, int)]
        may_write = max(known) >= DEVELOPER if known else None
        name = str(found.get("path_with_namespace") or self.at.path)
        return Access(name, may_write, found.get("archived") is True)

    def pull_in(self, body: Any) -> Pull:
        """``locked`` is what it is for the moment in which it is merged."""
        found = members(self.at, body)
        match found.get("state"):
            case "merged":
                state = PullState.MERGED
            case "closed":
                state = PullState.CLOSED
            case _:
                state = PullState.DRAFT if found.get("draft") is True else PullState.OPEN
        return pull_of(self.at, found.get("iid"), found.get("web_url"), state)
