"""Host, Origin and size (rules.md R3, R4): the outermost layer, before anything else runs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from lazyaf.domain.errors import BadRequest, Forbidden, LazyafError, TooLarge
from lazyaf.web.errors import problem_of

BODY_MAX: Final = 64 * 2**20
"""Bytes of a request to the API: a batch of log entries is the largest."""
SIGN_IN_MAX: Final = 16 * 2**10
"""Bytes of a request to sign in, which strangers may send."""

_JUDGED: Final = frozenset({b"host", b"origin", b"content-length", b"transfer-encoding"})


class Gatekeeper:
    """Refuses foreign hosts (DNS rebinding), foreign origins and bodies beyond any use.

    A browser is told apart by the Origin that it sends; a client with a token header needs none.
    ``allowed_hosts`` None is for a listener at which no browser ever has a credential.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        allowed_hosts: Sequence[str] | None,
        cors_origins: Sequence[str],
        public_origin: str | None = None,
    ) -> None:
        self._app = app
        self._hosts = None if allowed_hosts is None else frozenset(map(str.lower, allowed_hosts))
        # Behind a proxy with TLS a page's own origin is not what this server is asked by.
        self._origins = frozenset([*cors_origins, *([public_origin] if public_origin else ())])

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
        # One pass over the raw headers; of a header that came twice the first counts.
        headers = {
            name: value.decode("latin-1")
            for name, value in reversed(scope["headers"])
            if name in _JUDGED
        }
        return self._judge_origin(scope, headers) or _judge_size(scope, headers)

    def _judge_origin(self, scope: Scope, headers: dict[bytes, str]) -> LazyafError | None:
        host = headers.get(b"host", "")
        if self._hosts is not None and _hostname(host) not in self._hosts:
            return Forbidden(
                f"This server does not answer to the host “{host[:100]}”. Add it to "
                "LAZYAF_ALLOWED_HOSTS if it is yours.",
                code="host_not_allowed",
            )
        origin = headers.get(b"origin")
        if origin is None or origin in self._origins:
            return None
        scheme = {"ws": "http", "wss": "https"}.get(scope["scheme"], scope["scheme"])
        if origin != f"{scheme}://{host}":
            return Forbidden(
                f"Requests from {origin[:100]} are not allowed.", code="origin_not_allowed"
            )
        return None


def _judge_size(scope: Scope, headers: dict[bytes, str]) -> LazyafError | None:
    """Refuse a body that is larger than any that the API takes, before it is read. Git has its own
    limits; a body of unknown length is only for git."""
    if scope["type"] != "http" or scope["path"].startswith("/git/"):
        return None
    length = headers.get(b"content-length", "0")
    if b"transfer-encoding" in headers or not (length.isascii() and length.isdigit()):
        return BadRequest(
            "Say how long the body is: send a Content-Length.", code="length_required"
        )
    most = SIGN_IN_MAX if scope["path"].startswith("/api/auth/") else BODY_MAX
    if len(length) > 12 or int(length) > most:
        return TooLarge(f"This request may have {most // 2**10} KiB at most.")
    return None


@lru_cache(maxsize=256)
def _hostname(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""
