"""Who asks: one layer looks at the credential of every request to the API, by its path (rules.md R3).

It does so before the body is read and before a route runs, so no route can forget it. Git and the
live feed have credentials of their own kind and see to them themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final, Literal

from fastapi import Depends
from starlette.requests import HTTPConnection
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send

from lazyaf.domain.errors import Forbidden, LazyafError, Unauthenticated
from lazyaf.domain.events import PERSON, Actor
from lazyaf.protocol import PREFIX as RUNNER_PREFIX
from lazyaf.services.tokens import PEOPLE, KnownToken
from lazyaf.web.config import WebState, provide_state
from lazyaf.web.errors import problem_of

TOKEN_PROTOCOL: Final = "lazyaf.token."  # noqa: S105 - the prefix of a subprotocol, not a secret
OPEN: Final = frozenset({"/api/health", "/api/auth/exchange", "/api/auth/login"})
"""What a stranger may ask."""

Kind = Literal["person", "runner"]

_CALLER: Final = "lazyaf.caller"
_TOKEN: Final = "lazyaf.token"  # noqa: S105 - a key of the scope

State = Annotated[WebState, Depends(provide_state)]


class Authenticator:
    """Lets pass who may ask for this path, and remembers who that is. ``routes`` are those of the
    API: what is none of them is 404 for everyone."""

    def __init__(self, app: ASGIApp, *, state: WebState, routes: Sequence[BaseRoute]) -> None:
        self._app = app
        self._state = state
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Recognise the caller, then pass on."""
        kind = _wanted(scope)
        if kind is not None:
            try:
                scope[_TOKEN] = known = await _recognise(self._state, HTTPConnection(scope), kind)
                scope[_CALLER] = PERSON if known is None or kind == "person" else known.id
            except LazyafError as refused:
                if self._is_known(scope):
                    await problem_of(refused)(scope, receive, send)
                    return
        await self._app(scope, receive, send)

    def _is_known(self, scope: Scope) -> bool:
        return any(route.matches(scope)[0] is not Match.NONE for route in self._routes)


def _wanted(scope: Scope) -> Kind | None:
    """Whose credential this path needs."""
    if scope["type"] != "http":
        return None
    path: str = scope["path"]
    if path.startswith(RUNNER_PREFIX):
        return "runner"
    if path.startswith("/api/") or path == "/metrics":
        return None if path in OPEN else "person"
    return None


async def _recognise(state: WebState, connection: HTTPConnection, kind: Kind) -> KnownToken | None:
    """The token of the one who asks; None when nobody is asked for one."""
    token = bearer_of(connection)
    if kind == "runner":
        return await _runner(state, token)
    if token is None and state.config.auth == "off":
        return None
    return await person_of(state, token)


def bearer_of(connection: HTTPConnection) -> str | None:
    """The token in ``Authorization: Bearer``, if there is one."""
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


async def person_of(state: WebState, token: str | None) -> KnownToken:
    """A person's token or session with this text; a runner's is refused here."""
    known = await _known(state, token)
    if known.kind not in PEOPLE:
        raise Forbidden("A runner's token cannot do what a person does.", code="wrong_token")
    return known


async def _runner(state: WebState, token: str | None) -> KnownToken:
    known = await _known(state, token)
    if known.kind != "runner":
        raise Forbidden("This endpoint is for runners. Use a runner's token.", code="wrong_token")
    return known


async def _known(state: WebState, token: str | None) -> KnownToken:
    if token is None:
        raise Unauthenticated(
            "This request has no token. In a browser sign in, with the password or through `lazyaf "
            "open`; the CLI takes the token of `lazyaf login`, of the data directory, or LAZYAF_TOKEN."
        )
    return await state.credentials.token(token)


def actor_of(connection: HTTPConnection) -> Actor:
    """The person who asks; for routes below ``/api`` that are not the runners'."""
    actor: Actor = connection.scope[_CALLER]
    return actor


def runner_token_of(connection: HTTPConnection) -> str:
    """The id of the token with which a runner asks."""
    token_id: str = connection.scope[_CALLER]
    return token_id


def token_of(connection: HTTPConnection) -> KnownToken | None:
    """The token with which somebody asks; None with ``--auth off``."""
    known: KnownToken | None = connection.scope[_TOKEN]
    return known


def address_of(connection: HTTPConnection) -> str:
    """Where a request comes from; behind a trusted proxy, what that one says."""
    return connection.client.host if connection.client is not None else "unknown"


async def _person(connection: HTTPConnection) -> Actor:
    return actor_of(connection)


async def _runner_token(connection: HTTPConnection) -> str:
    return runner_token_of(connection)


# Busy routes call `state_of`, `actor_of` and `runner_token_of` instead: each dependency costs a request
# more than most of what a route does.
Person = Annotated[Actor, Depends(_person)]
RunnerToken = Annotated[str, Depends(_runner_token)]
