"""What the forges have in common: one repository, as one token sees it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from lazyaf.domain.forges import Access, ForgeRepo, Look, NewPull, Pull
from lazyaf.forges.http import Answer, ForgeHttp
from lazyaf.forges.refusals import refusal


class ForgeClient(ABC):
    """Asks one forge about one repository. Raises as `lazyaf.domain.ports.Forges`."""

    pulls: ClassVar[str]
    """The path of the pull requests below that of the repository."""
    exists: ClassVar[int]
    """The status that says, among other things, that there is an open one already."""

    def __init__(self, http: ForgeHttp, at: ForgeRepo, token: str) -> None:
        self.at = at
        self._http = http
        self._token = token

    @abstractmethod
    async def find(self, branch: str, base: str) -> Pull | None:
        """The open pull request of a branch of this repository, not of a fork's."""

    @abstractmethod
    async def access(self) -> Access:
        """What the token sees of the repository."""

    async def open(self, new: NewPull) -> Pull:
        """Open one, or find the one that is open."""
        answer = await self.ask("POST", self.pulls, body=self.body_of(new))
        if answer.status == self.exists:
            existing = await self.find(new.branch, new.base)
            if existing is not None:
                return existing
        return self.pull_in(self.require(answer).body)

    async def look(self, number: int, etag: str | None) -> Look:
        """How far it is; asked for with a condition, which GitHub does not count."""
        answer = await self.ask("GET", f"{self.pulls}/{number}", etag=etag)
        if answer.status == 304:
            return Look(None, etag)
        return Look(self.pull_in(self.require(answer).body), answer.etag)

    @property
    @abstractmethod
    def repo_url(self) -> str:
        """Where the repository is in the API."""

    @abstractmethod
    def credential(self) -> dict[str, str]:
        """The headers that say who asks."""

    @abstractmethod
    def body_of(self, new: NewPull) -> dict[str, object]:
        """What is sent to open one."""

    @abstractmethod
    def pull_in(self, body: Any) -> Pull:
        """A pull request out of an answer."""

    async def ask(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, str | int] | None = None,
        body: dict[str, object] | None = None,
        etag: str | None = None,
    ) -> Answer:
        """Whatever the forge answers."""
        condition = {"If-None-Match": etag} if etag else {}
        headers = {"Accept": "application/json", **self.credential(), **condition}
        return await self._http.ask(
            method, self.repo_url + path, headers=headers, query=query, body=body
        )

    def require(self, answer: Answer) -> Answer:
        """The answer, if it is no refusal."""
        if not answer.is_done:
            raise refusal(self.at, self._token, answer)
        return answer
