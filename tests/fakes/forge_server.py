"""A forge on loopback: git over HTTP on real bare repositories, and the API of GitHub, GitLab or Gitea.

It answers as the forges' own descriptions and sources say (docs.github.com/rest/pulls/pulls,
docs.gitlab.com/api/merge_requests, Gitea's routers/api/v1/repo/pull.go): status codes, names of fields,
sentences of refusals. What pull requests there are, whose token may what, and what it answers next is the
test's to say::

    with ForgeServer("gitlab", tmp_path) as forge:
        forge.tokens["secret"] = "write"
        remote = forge.repo("ada/shop")
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from fakes.forge_dialects import DIALECTS, Dialect
from support.git_backend import ask_git, request_body, send, who_are_you

GIT_PATH: Final = re.compile(r"/[\w./-]+?\.git/.+")


@dataclass
class Asked:
    """A request to the API, as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


@dataclass
class FakePull:
    """A pull request of the forge."""

    repo: str
    number: int
    title: str
    body: str
    branch: str
    base: str
    state: str = "open"
    draft: bool = False
    from_fork: bool = False


@dataclass
class Said:
    """An answer that is given in place of the real one."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


class ForgeServer:
    """The forge, what it knows and what it was asked."""

    def __init__(self, kind: str, root: Path) -> None:
        self.kind = kind
        self.root = root
        self.tokens: dict[str, str] = {}
        """`write` or `read`, by token."""
        self.pulls: list[FakePull] = []
        self.asked: list[Asked] = []
        self.next: list[Said] = []
        """Given one after the other, before anything is looked at."""
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._http.daemon_threads = True
        self._http.forge = self  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self.origin = f"http://127.0.0.1:{self._http.server_address[1]}"
        self.dialect: Dialect = DIALECTS[kind](self)

    def __enter__(self) -> ForgeServer:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    @property
    def api_url(self) -> str:
        return f"{self.origin}{self.dialect.prefix}"

    def repo(self, name: str = "ada/shop") -> str:
        """A bare repository that takes pushes; its URL."""
        path = self.git_dir(name)
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(path)], check=True)
        subprocess.run(["git", "-C", str(path), "config", "http.receivepack", "true"], check=True)
        return f"{self.origin}/{name}.git"

    def git_dir(self, name: str) -> Path:
        return self.root / f"{name}.git"

    def tip(self, name: str, branch: str) -> str | None:
        argv = ["git", "-C", str(self.git_dir(name)), "rev-parse", "-q", "--verify"]
        done = subprocess.run(
            [*argv, f"refs/heads/{branch}"], capture_output=True, text=True, check=False
        )
        return done.stdout.strip() or None

    def add_pull(self, repo: str, branch: str, base: str = "main", **more: Any) -> FakePull:
        pull = FakePull(repo, len(self.pulls) + 1, f"{branch} there", "", branch, base, **more)
        self.pulls.append(pull)
        return pull

    def said(self, status: int, body: Any = None, **headers: str) -> None:
        """Answer the next request to the API like this."""
        self.next.append(Said(status, body, {k.replace("_", "-"): v for k, v in headers.items()}))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def forge(self) -> ForgeServer:
        forge: ForgeServer = self.server.forge  # type: ignore[attr-defined]
        return forge

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        body = request_body(self)
        if GIT_PATH.fullmatch(urlsplit(self.path).path):
            self._git(body)
        else:
            self._api(body)

    def _api(self, raw: bytes) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = json.loads(raw) if raw else None
        self.forge.asked.append(Asked(self.command, self.path, headers, body))
        if self.forge.next:
            said = self.forge.next.pop(0)
        else:
            parts = urlsplit(self.path)
            query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
            status, answer, more = self.forge.dialect.answer(
                self.command, parts.path, query, headers, body
            )
            said = Said(status, answer, more)
        self._send(said, headers.get("if-none-match"))

    def _send(self, said: Said, known: str | None) -> None:
        is_text = isinstance(said.body, bytes)
        text = said.body if is_text else json.dumps(said.body).encode()
        etag = f'W/"{hashlib.sha256(text).hexdigest()}"'
        has_etag = self.forge.dialect.has_etag and said.status == 200 and self.command == "GET"
        if has_etag and known == etag:
            said, text = Said(304), b""
        self.send_response(said.status)
        for name, value in said.headers.items():
            self.send_header(name, value)
        if has_etag:
            self.send_header("ETag", etag)
        if said.status != 304:
            self.send_header("Content-Type", "text/html" if is_text else "application/json")
            self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def _git(self, body: bytes) -> None:
        may = self._may_use_git()
        send(self, ask_git(self, self.forge.root, body) if may else who_are_you("forge"))

    def _may_use_git(self) -> bool:
        kind, _, text = self.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "basic":
            return False
        password = base64.b64decode(text).decode().partition(":")[2]
        return self.forge.tokens.get(password) == "write"
