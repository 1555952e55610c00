"""Who may come in (rules.md R3, R4): Host and Origin for everyone, then a credential per route.

`Gatekeeper` is the outermost ASGI layer; `Person` and `RunnerToken` are the dependencies of routes.
A browser is told apart by the Origin that it sends; a client with a token header needs none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from lazyaf.domain.errors import (
    BadRequest,
    Forbidden,
    LazyafError,
    TooLarge,
    Unauthenticated,
)
from lazyaf.domain.events import PERSON, Actor
from lazyaf.services.tokens import KnownToken
from lazyaf.web.config import WebState, provide_state, state_of
from lazyaf.web.errors import problem_of

TOKEN_PROTOCOL = "lazyaf.token."  # noqa: S105 - the prefix of a subprotocol, not a secret

BODY_MAX = 64 * 2**20
"""Bytes of a request to the API: a batch of log entries is the largest."""

State = Annotated[WebState, Depends(provide_state)]


class Gatekeeper:
    """Refuses foreign hosts (DNS rebinding) and foreign origins before anything else runs."""

    def __init__(
        self, app: ASGIApp, *, allowed_hosts: Sequence[str], cors_origins: Sequence[str]
    ) -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in allowed_hosts)
        self._origins = frozenset(cors_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Judge, then pass on."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refused = self._judge(scope)
        if refused is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await problem_of(refused)(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008, "reason": refused.code})

    def _judge(self, scope: Scope) -> LazyafError | None:
        headers = Headers(scope=scope)
        return self._judge_origin(scope, headers) or _judge_size(scope, headers)

    def _judge_origin(self, scope: Scope, headers: Headers) -> LazyafError | None:
        host = headers.get("host", "")
        if _hostname(host) not in self._hosts:
            return Forbidden(
                f"This server does not answer to the host “{host[:100]}”. Add it to "
                "LAZYAF_ALLOWED_HOSTS if it is yours.",
                code="host_not_allowed",
            )
        origin = headers.get("origin")
        if origin is None or origin in self._origins:
            return None
        scheme = {"ws": "http", "wss": "https"}.get(scope["scheme"], scope["scheme"])
        if origin != f"{scheme}://{host}":
            return Forbidden(
                f"Requests from {origin[:100]} are not allowed.", code="origin_not_allowed"
            )
        return None


def _judge_size(scope: Scope, headers: Headers) -> LazyafError | None:
    """Refuse a body that is larger than any that the API takes, before it is read. Git has its own
    limits; a body of unknown length is only for git."""
    if scope["type"] != "http" or scope["path"].startswith("/git/"):
        return None
    length = headers.get("content-length", "0")
    if "transfer-encoding" in headers or not (length.isascii() and length.isdigit()):
        return BadRequest(
            "Say how long the body is: send a Content-Length.", code="length_required"
        )
    if len(length) > 12 or int(length) > BODY_MAX:
        return TooLarge(f"A request to the API has {BODY_MAX // 2**20} MiB at most.")
    return None


def _hostname(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def bearer_of(connection: HTTPConnection) -> str | None:
    """The token in ``Authorization: Bearer``, if there is one."""
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


async def person(request: Request) -> Actor:
    """A person's credential; anyone on this machine when the server runs with ``--auth off``."""
    state = state_of(request)  # not by dependency: each costs more than what it does
    token = bearer_of(request)
    if token is None and state.config.auth == "off":
        return PERSON
    return await person_of(state, token)


async def person_of(state: WebState, token: str | None) -> Actor:
    """The person with this token; a runner's token is refused here."""
    known = await _known(state, token)
    if known.kind != "person":
        raise Forbidden("A runner's token cannot do what a person does.", code="wrong_token")
    return PERSON


async def runner_token(request: Request) -> str:
    """The id of a runner's token; a person's is refused here."""
    known = await _known(state_of(request), bearer_of(request))
    if known.kind != "runner":
        raise Forbidden("This endpoint is for runners. Use a runner's token.", code="wrong_token")
    return known.id


async def _known(state: WebState, token: str | None) -> KnownToken:
    if token is None:
        raise Unauthenticated(
            "This request has no token. In a browser run `lazyaf open`; the CLI finds the token in "
            "the data directory, or in LAZYAF_TOKEN."
        )
    return await state.credentials.token(token)


Person = Annotated[Actor, Depends(person)]
RunnerToken = Annotated[str, Depends(runner_token)]
