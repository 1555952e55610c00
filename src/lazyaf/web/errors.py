"""Every error leaves as RFC 9457 ``application/problem+json``, to git as a line of text; nobody else
formats one."""

from __future__ import annotations

import errno
import json
from collections.abc import Mapping
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, PlainTextResponse, Response

from lazyaf.domain.errors import (
    DiskFull,
    LazyafError,
    TooManyAttempts,
    Unauthenticated,
    Unavailable,
)
from lazyaf.web.schemas import Problem

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_KEPT = ("www-authenticate", "retry-after")

PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": text}
    for status, text in {
        400: "The request cannot be understood.",
        401: "No credential, or one that is not known.",
        403: "A known credential that may not do this.",
        404: "There is no such thing.",
        409: "The state of the thing forbids this now; `code` and further members say why.",
        412: "`If-Match` names an older version.",
        422: "What is asked for cannot be; `fields` says which field is wrong.",
    }.items()
}
"""For the OpenAPI document of every route."""


class ProblemResponse(JSONResponse):
    """An error as it leaves."""

    media_type = MEDIA_TYPE

    def render(self, content: Any) -> bytes:
        """As ASCII: a request may have named something that is no valid Unicode."""
        return json.dumps(content, separators=(",", ":")).encode()


def problem(
    status: int,
    code: str,
    title: str,
    detail: str,
    extra: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
) -> ProblemResponse:
    """The one place where a problem is put together."""
    body = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        **(extra or {}),
    }
    return ProblemResponse(body, status, headers=dict(headers or {}))


def problem_of(error: LazyafError, *, challenge: str = "Bearer") -> ProblemResponse:
    """A typed error as an answer. ``challenge`` is the scheme that a 401 asks for."""
    headers: dict[str, str] = {}
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = f'{challenge} realm="lazyaf"'
    if isinstance(error, Unavailable | TooManyAttempts):
        headers["Retry-After"] = str(error.extra.get("retry_after", 1))
    return problem(error.status, error.code, error.title, error.detail, error.extra, headers)


def install(app: FastAPI) -> None:
    """Register the handlers."""
    app.add_exception_handler(LazyafError, _typed)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(OSError, _of_the_system)
    app.add_exception_handler(Exception, _unexpected)


async def _typed(request: Request, error: Exception) -> Response:
    known = error if isinstance(error, LazyafError) else LazyafError(str(error))
    if known.status >= 500:
        log.error("failed", path=request.url.path, code=known.code, detail=known.detail)
    if not request.url.path.startswith("/git/"):
        return problem_of(known)
    # A git client offers the password of its URL only to who asks for Basic.
    answer = problem_of(known, challenge="Basic")
    return _for_git(known, answer) if _is_git(request) else answer


def _is_git(request: Request) -> bool:
    return request.headers.get("user-agent", "").startswith("git/")


def _for_git(error: LazyafError, answer: Response) -> Response:
    """The sentence alone: a git client shows a refusal's body, after ``remote:``, when it is plain."""
    kept = {name: answer.headers[name] for name in _KEPT if name in answer.headers}
    return PlainTextResponse(f"{error.detail}\n", error.status, headers=kept)


async def _invalid(_request: Request, error: Exception) -> Response:
    found = error.errors() if isinstance(error, RequestValidationError) else []
    if any(item["type"] == "json_invalid" for item in found):
        return problem(400, "bad_request", "Malformed request", "The body is not valid JSON.")
    fields = {_name(item["loc"]): item["msg"] for item in found}
    detail = "; ".join(f"{name}: {message}" for name, message in fields.items())
    return problem(422, "invalid", "Invalid request", detail + ".", {"fields": fields})


def _name(location: tuple[int | str, ...]) -> str:
    parts = [str(part) for part in location if part not in ("body", "query", "path", "header")]
    return ".".join(parts) or "body"


async def _http(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    detail = str(error.detail) if isinstance(error, HTTPException) else "Something went wrong."
    codes = {404: "not_found", 405: "method_not_allowed"}
    headers = error.headers if isinstance(error, HTTPException) else None
    return problem(status, codes.get(status, "http_error"), detail, f"{detail}.", headers=headers)


async def _of_the_system(request: Request, error: Exception) -> Response:
    """What a disk refuses is nobody's mistake, and can be put right."""
    if isinstance(error, OSError) and error.errno in NO_ROOM:
        return await _typed(request, DiskFull())
    raise error


async def _unexpected(request: Request, error: Exception) -> Response:
    log.error("unexpected", path=request.url.path, exc_info=error)
    return problem(
        500,
        "internal",
        "Something went wrong",
        "The server met an error that it did not expect. Its log has the details.",
    )
