"""What `fakes.forge_server` answers, forge by forge. Each refusal is one that the forge gives in these words."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

if TYPE_CHECKING:
    from fakes.forge_server import FakePull, ForgeServer

Answer = tuple[int, Any, dict[str, str]]


class Dialect(ABC):
    """One forge's API."""

    prefix: str
    has_etag = True

    def __init__(self, forge: ForgeServer) -> None:
        self.forge = forge

    @abstractmethod
    def answer(
        self, method: str, path: str, query: dict[str, str], headers: dict[str, str], body: Any
    ) -> Answer:
        """Status, JSON and headers."""

    def right(self, token: str) -> str | None:
        return self.forge.tokens.get(token)

    def exists(self, repo: str) -> bool:
        return self.forge.git_dir(repo).is_dir()

    def open_pull(self, repo: str, branch: str, base: str) -> FakePull | None:
        for pull in self.forge.pulls:
            same = (pull.repo, pull.branch, pull.base) == (repo, branch, base)
            if same and pull.state == "open" and not pull.from_fork:
                return pull
        return None

    def pull(self, repo: str, number: str) -> FakePull | None:
        for pull in self.forge.pulls:
            if pull.repo == repo and str(pull.number) == number:
                return pull
        return None

    def page(self, found: list[Any], query: dict[str, str], size: str, most: int) -> list[Any]:
        count = min(int(query.get(size, "30")), most)
        first = (int(query.get("page", "1")) - 1) * count
        return found[first : first + count]


class GitHub(Dialect):
    """docs.github.com/rest/pulls/pulls; errors as in …/using-the-rest-api/troubleshooting-the-rest-api."""

    prefix = "/api/v3"
    docs = "https://docs.github.com/rest"

    def answer(
        self, method: str, path: str, query: dict[str, str], headers: dict[str, str], body: Any
    ) -> Answer:
        if not headers.get("user-agent"):
            return self._no(403, "Request forbidden by administrative rules.")
        right = self.right(headers.get("authorization", "").removeprefix("Bearer "))
        if right is None:
            return self._no(401, "Bad credentials")
        owner, _, rest = path.removeprefix(f"{self.prefix}/repos/").partition("/")
        name, _, rest = rest.partition("/")
        repo = f"{owner}/{name}"
        if not self.exists(repo):
            return self._no(404, "Not Found")
        if not rest:
            may = {"admin": False, "push": right == "write", "pull": True}
            return 200, {"full_name": repo, "archived": False, "permissions": may}, {}
        if rest == "pulls" and method == "POST":
            return self._create(repo, right, body)
        if rest == "pulls":
            return self._list(repo, owner, query)
        pull = self.pull(repo, rest.removeprefix("pulls/"))
        return self._no(404, "Not Found") if pull is None else (200, self._shown(pull), {})

    def _no(self, status: int, message: str, *errors: dict[str, str]) -> Answer:
        body: dict[str, Any] = {"message": message, "documentation_url": self.docs}
        body["status"] = str(status)
        return status, {**body, **({"errors": list(errors)} if errors else {})}, {}

    def _create(self, repo: str, right: str, body: Any) -> Answer:
        if right != "write":
            return self._no(403, "Resource not accessible by personal access token")
        for side in ("head", "base"):
            if self.forge.tip(repo, body[side]) is None:
                error = {"resource": "PullRequest", "field": side, "code": "invalid"}
                return self._no(422, "Validation Failed", error)
        if self.open_pull(repo, body["head"], body["base"]) is not None:
            owner = repo.partition("/")[0]
            words = f"A pull request already exists for {owner}:{body['head']}."
            error = {"resource": "PullRequest", "code": "custom", "message": words}
            return self._no(422, "Validation Failed", error)
        pull = self.forge.add_pull(repo, body["head"], body["base"])
        pull.title, pull.body = body["title"], body.get("body") or ""
        return 201, self._shown(pull), {}

    def _list(self, repo: str, owner: str, query: dict[str, str]) -> Answer:
        found = [p for p in self.forge.pulls if p.repo == repo]
        if query.get("state", "open") == "open":
            found = [p for p in found if p.state == "open"]
        if ":" in query.get("head", ""):  # without an owner it is passed over
            user, _, branch = query["head"].partition(":")
            found = [p for p in found if p.branch == branch and (user == owner) is not p.from_fork]
        if "base" in query:
            found = [p for p in found if p.base == query["base"]]
        shown = [self._shown(p) for p in found]
        for each in shown:
            del each["merged"]  # lists have no such field
        return 200, self.page(shown, query, "per_page", 100), {}

    def _shown(self, pull: FakePull) -> dict[str, Any]:
        is_merged = pull.state == "merged"
        return {
            "number": pull.number,
            "html_url": f"{self.forge.origin}/{pull.repo}/pull/{pull.number}",
            "state": "open" if pull.state == "open" else "closed",
            "draft": pull.draft,
            "merged": is_merged,
            "merged_at": "2026-11-20T11:30:56Z" if is_merged else None,
            "title": pull.title,
            "body": pull.body,
            "head": {"ref": pull.branch},
            "base": {"ref": pull.base},
        }


class GitLab(Dialect):
    """docs.gitlab.com/api/merge_requests; the sentences are those of lib/api/merge_requests.rb."""

    prefix = "/api/v4"

    def answer(
        self, method: str, path: str, query: dict[str, str], headers: dict[str, str], body: Any
    ) -> Answer:
        right = self.right(headers.get("private-token", ""))
        if right is None:
            return 401, {"message": "401 Unauthorized"}, {}
        project, _, rest = path.removeprefix(f"{self.prefix}/projects/").partition("/")
        repo = unquote(project)
        if not self.exists(repo):  # a path whose slashes are not encoded is another route
            return 404, {"message": "404 Project Not Found"}, {}
        if not rest:
            level = {"access_level": 30 if right == "write" else 20, "notification_level": 3}
            may = {"project_access": None, "group_access": level}
            return 200, {"path_with_namespace": repo, "archived": False, "permissions": may}, {}
        if rest == "merge_requests" and method == "POST":
            return self._create(repo, right, body)
        if rest == "merge_requests":
            return self._list(repo, query)
        pull = self.pull(repo, rest.removeprefix("merge_requests/"))
        if pull is None:
            return 404, {"message": "404 Not found"}, {}
        return 200, self._shown(pull), {}

    def _create(self, repo: str, right: str, body: Any) -> Answer:
        if right != "write":
            words = "The request requires higher privileges than provided by the access token."
            return (
                403,
                {"error": "insufficient_scope", "error_description": words, "scope": "api"},
                {},
            )
        if not body.get("title"):
            return 400, {"error": "title is missing"}, {}
        existing = self.open_pull(repo, body["source_branch"], body["target_branch"])
        if existing is not None:
            words = "Another open merge request already exists for this source branch: "
            return 409, {"message": [f"{words}!{existing.number}"]}, {}
        pull = self.forge.add_pull(repo, body["source_branch"], body["target_branch"])
        pull.title, pull.body = body["title"], body.get("description") or ""
        return 201, self._shown(pull), {}

    def _list(self, repo: str, query: dict[str, str]) -> Answer:
        found = [p for p in self.forge.pulls if p.repo == repo]
        if query.get("state", "all") == "opened":
            found = [p for p in found if p.state == "open"]
        for name, attribute in (("source_branch", "branch"), ("target_branch", "base")):
            if name in query:
                found = [p for p in found if getattr(p, attribute) == query[name]]
        return 200, self.page([self._shown(p) for p in found], query, "per_page", 100), {}

    def _shown(self, pull: FakePull) -> dict[str, Any]:
        return {
            "iid": pull.number,
            "id": 1000 + pull.number,
            "web_url": f"{self.forge.origin}/{pull.repo}/-/merge_requests/{pull.number}",
            "state": {"open": "opened"}.get(pull.state, pull.state),
            "draft": pull.draft,
            "title": pull.title,
            "description": pull.body,
            "source_branch": pull.branch,
            "target_branch": pull.base,
            "source_project_id": 8 if pull.from_fork else 7,
            "target_project_id": 7,
        }


class Gitea(Dialect):
    """Gitea's own description at /api/swagger; sentences of routers/api/v1/repo/pull.go and of its errors."""

    prefix = "/api/v1"
    has_etag = False

    def answer(
        self, method: str, path: str, query: dict[str, str], headers: dict[str, str], body: Any
    ) -> Answer:
        right = self.right(headers.get("authorization", "").removeprefix("token "))
        if right is None:
            return self._no(401, "invalid username, password or token")
        owner, _, rest = path.removeprefix(f"{self.prefix}/repos/").partition("/")
        name, _, rest = rest.partition("/")
        repo = f"{owner}/{name}"
        if not self.exists(repo):
            return self._no(404, "The target couldn't be found.", errors=[])
        if not rest:
            may = {"admin": False, "push": right == "write", "pull": True}
            return 200, {"full_name": repo, "archived": False, "permissions": may}, {}
        if rest == "pulls" and method == "POST":
            return self._create(repo, right, body)
        if rest == "pulls":
            found = [p for p in self.forge.pulls if p.repo == repo]
            if query.get("state", "open") == "open":
                found = [p for p in found if p.state == "open"]
            shown = [self._shown(p) for p in found]
            return (
                200,
                self.page(shown, query, "limit", 50),
                {"X-Total-Count": str(len(found))},
            )
        pull = self.pull(repo, rest.removeprefix("pulls/"))
        if pull is None:
            return self._no(404, "The target couldn't be found.", errors=[])
        return 200, self._shown(pull), {}

    def _no(self, status: int, message: str, **more: Any) -> Answer:
        return status, {"message": message, "url": f"{self.forge.origin}/api/swagger", **more}, {}

    def _create(self, repo: str, right: str, body: Any) -> Answer:
        if right != "write":
            scopes = "[write:repository]"
            return self._no(403, f"token does not have at least one of required scope(s): {scopes}")
        for side in ("head", "base"):
            if self.forge.tip(repo, body[side]) is None:
                return self._no(404, "The target couldn't be found.", errors=[])
        existing = self.open_pull(repo, body["head"], body["base"])
        if existing is not None:
            words = (
                f"pull request already exists for these targets [id: 90{existing.number}, "
                f"issue_id: {existing.number}, head_repo_id: 7, base_repo_id: 7, "
                f"head_branch: {existing.branch}, base_branch: {existing.base}]"
            )
            return self._no(409, words)
        pull = self.forge.add_pull(repo, body["head"], body["base"])
        pull.title, pull.body = body["title"], body.get("body") or ""
        return 201, self._shown(pull), {}

    def _shown(self, pull: FakePull) -> dict[str, Any]:
        title = f"WIP: {pull.title}" if pull.draft else pull.title
        return {
            "number": pull.number,
            "html_url": f"{self.forge.origin}/{pull.repo}/pulls/{pull.number}",
            "state": "open" if pull.state == "open" else "closed",
            "merged": pull.state == "merged",
            "title": title,
            "body": pull.body,
            "head": {"ref": pull.branch, "repo_id": 8 if pull.from_fork else 7},
            "base": {"ref": pull.base, "repo_id": 7},
        }


DIALECTS: dict[str, type[Dialect]] = {"github": GitHub, "gitlab": GitLab, "gitea": Gitea}
