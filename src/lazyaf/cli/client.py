"""The HTTP client of every client command: which server, which token, and how a refusal is told.

Commands take an `Api` from `client_command`; none of them looks at a status code or formats an error
itself.
"""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Concatenate, Final, ParamSpec, TypeVar
from urllib.parse import quote

import click

from lazyaf.cli.failures import Failure, Refused, Unauthorised, Unreachable
from lazyaf.cli.logins import find_login
from lazyaf.cli.target import (
    DEFAULT_SERVER,
    data_dir,
    default_server,
    find_token,
    is_loopback,
    parse_server,
)

if TYPE_CHECKING:
    import httpx2

Json = dict[str, Any]
P = ParamSpec("P")
R = TypeVar("R")

CONNECT_S: Final = 5.0
READ_S: Final = 60.0
SILENCE_S: Final = 30.0
"""How long a followed stream may say nothing before it is asked for again."""


class Api:
    """The API of one server. Every method returns the parsed answer or raises a `Failure`. Without a
    ``token`` it finds one; an empty one sends none."""

    def __init__(self, server: str, *, as_json: bool = False, token: str | None = None) -> None:
        import httpx2

        self.server = server
        self.as_json = as_json
        self.token = find_token(server) if token is None else token
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        self._http = httpx2.Client(
            base_url=server,
            headers=headers,
            timeout=httpx2.Timeout(READ_S, connect=CONNECT_S),
            trust_env=not is_loopback(server),  # no proxy stands before this machine itself
        )

    def __enter__(self) -> Api:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def get(self, path: str, **params: str | int | None) -> Any:
        """GET; parameters that are None are left out."""
        return self._send("GET", path, params=params)

    def post(self, path: str, body: Json | None = None, *, seconds: float = READ_S) -> Any:
        """POST; ``seconds`` is how long the answer may take."""
        return self._send("POST", path, body=body, seconds=seconds)

    @property
    def is_running(self) -> bool:
        """Whether the server answers. Raises `Unreachable` for one on another machine that does not."""
        try:
            self.get("/api/health")
        except Unreachable:
            if not is_loopback(self.server):
                raise
            return False
        return True

    def patch(self, path: str, body: Json) -> Any:
        """PATCH."""
        return self._send("PATCH", path, body=body)

    def put(self, path: str, body: Json) -> Any:
        """PUT."""
        return self._send("PUT", path, body=body)

    def upload(self, path: str, file: Path, **params: str) -> Any:
        """POST a file's bytes, never all of them in memory. Raises `OSError`, too."""
        with file.open("rb") as opened:
            request = self._http.build_request("POST", path, params=params, content=opened)
            return self._parsed(self.send(request))

    def delete(self, path: str) -> None:
        """DELETE."""
        self._send("DELETE", path)

    def pages(self, path: str, **params: str | int | None) -> Iterator[Json]:
        """Every item of a list, page by page."""
        cursor: str | None = None
        while True:
            page = self.get(path, **params, cursor=cursor)
            yield from page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def repo(self, id_or_name: str) -> Json:
        """A repository by id or name."""
        found: Json = self.get(f"/api/repos/{quote(id_or_name, safe='')}")
        return found

    def text(self, path: str, **params: str | int | None) -> Iterator[str]:
        """A text that may be long, in pieces."""
        with self._streaming(path, params, "text/plain") as response:
            yield from response.iter_text()

    def events(self, path: str, **params: str | int | None) -> Iterator[tuple[str, Json]]:
        """Server-sent events as (kind, data) until the stream ends or falls silent."""
        import httpx2

        with self._streaming(path, params, "text/event-stream") as response:
            try:
                yield from _parse_events(response.iter_lines())
            except httpx2.ReadTimeout:
                return

    def _streaming(self, path: str, params: dict[str, str | int | None], accept: str) -> _Stream:
        request = self._http.build_request(
            "GET",
            path,
            params={name: value for name, value in params.items() if value is not None},
            headers={"Accept": accept},
        )
        request.extensions["timeout"] |= {"read": SILENCE_S}
        return _Stream(self, request)

    def send(self, request: httpx2.Request, *, stream: bool = False) -> httpx2.Response:
        """Send a request; whatever is not a success is raised, told in one sentence."""
        import httpx2

        try:
            response = self._http.send(request, stream=stream)
            if response.status_code >= 400:
                response.read()
        except (httpx2.ConnectError, httpx2.ConnectTimeout):
            raise Unreachable(
                f"The server at {self.server} does not answer. Start it with `lazyaf serve`, or "
                "name another with --server."
            ) from None
        except httpx2.TransportError as error:
            raise Unreachable(f"The server at {self.server} broke off: {_words(error)}.") from None
        if response.status_code >= 400:
            raise self._refusal(response)
        return response

    def _send(
        self,
        method: str,
        path: str,
        *,
        params: dict[str, str | int | None] | None = None,
        body: Json | None = None,
        seconds: float = READ_S,
    ) -> Any:
        asked = {name: value for name, value in (params or {}).items() if value is not None}
        request = self._http.build_request(method, path, params=asked or None, json=body)
        request.extensions["timeout"] |= {"read": seconds}
        return self._parsed(self.send(request))

    def _parsed(self, response: httpx2.Response) -> Any:
        if response.status_code in (202, 204):
            return None
        try:
            return response.json()
        except ValueError:
            raise Failure(
                f"{self.server} answers, but not as LazyAF does. Is it another program? Name the "
                "server with --server."
            ) from None

    def _refusal(self, response: httpx2.Response) -> Failure:
        problem = _problem(response)
        if response.status_code == 401:
            return Unauthorised(f"{problem['detail']} {self._where_the_token_was_sought()}")
        if response.status_code == 403:
            return Unauthorised(f"{problem['detail']} [{problem['code']}]")
        return Refused(response.status_code, problem)

    def _where_the_token_was_sought(self) -> str:
        if os.environ.get("LAZYAF_TOKEN", "").strip():
            return f"The token in LAZYAF_TOKEN is not one of {self.server}. [unauthenticated]"
        login = find_login(self.server)
        if not is_loopback(self.server) or (login is not None and login.token == self.token):
            return f"Run `lazyaf login {self.server}`, or set LAZYAF_TOKEN. [unauthenticated]"
        return (
            f"Set LAZYAF_TOKEN, or LAZYAF_DATA_DIR to the server's data directory: {data_dir()} "
            f"{'has no token' if self.token is None else 'has the token of another server'}. "
            "[unauthenticated]"
        )


class _Stream:
    """An answer that is read while it comes; broken connections are told like all others."""

    def __init__(self, api: Api, request: httpx2.Request) -> None:
        self._api = api
        self._request = request

    def __enter__(self) -> httpx2.Response:
        self._response = self._api.send(self._request, stream=True)
        return self._response

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        import httpx2

        self._response.close()
        if isinstance(error, httpx2.TransportError):
            raise Unreachable(
                f"The server at {self._api.server} broke off: {_words(error)}."
            ) from None


def _words(error: Exception) -> str:
    return str(error).rstrip(".") or type(error).__name__


def _problem(response: httpx2.Response) -> Json:
    """The problem+json of an answer; something like it when another program answered."""
    try:
        problem = response.json()
    except ValueError:
        problem = None
    if isinstance(problem, dict) and "code" in problem:
        return {"detail": f"The server answered {response.status_code}.", **problem}
    detail = f"{response.url.host} answered {response.status_code}, but not as LazyAF does."
    return {"code": "not_lazyaf", "detail": detail}


def _parse_events(lines: Iterator[str]) -> Iterator[tuple[str, Json]]:
    kind, data = "message", ""
    for line in lines:
        name, _, value = line.partition(":")
        if not line:
            if data:
                yield kind, json.loads(data)
            kind, data = "message", ""
        elif name == "event":
            kind = value.removeprefix(" ")
        elif name == "data":
            data += value.removeprefix(" ")


def _checked_server(_ctx: click.Context, _parameter: click.Parameter, value: str) -> str:
    return parse_server(value)


def client_command(function: Callable[Concatenate[Api, P], R]) -> Callable[P, R]:
    """Give a command ``--server`` and ``--json``; it is called with an `Api` as first argument."""

    @click.option(
        "--server",
        envvar="LAZYAF_SERVER",
        show_envvar=True,
        default=default_server,
        show_default=DEFAULT_SERVER,
        metavar="URL",
        callback=_checked_server,
        help="The server to ask.",
    )
    @click.option("--json", "as_json", is_flag=True, help="Print the API's JSON.")
    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        server, as_json = str(kwargs.pop("server")), bool(kwargs.pop("as_json"))
        with Api(server, as_json=as_json) as api:
            return function(api, *args, **kwargs)

    return wrapper
