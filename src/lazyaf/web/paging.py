"""Parameters that many routes share. None is a dependency: each of those costs a request more than
its parsing does."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Annotated, Any, Final

from fastapi import Path, Query, Request

from lazyaf.domain.errors import BadRequest, Invalid

Limit = Annotated[int, Query(ge=1, le=1000, description="How many items a page has.")]
Cursor = Annotated[
    str | None, Query(max_length=1000, description="`next_cursor` of the page before.")
]

FilePath = Annotated[str | None, Query(max_length=4096, description="This file alone.")]


def encode_cursor(value: Any) -> str | None:
    """An opaque cursor; None stays None."""
    if value is None:
        return None
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


def decode_cursor(cursor: str | None) -> Any:
    """What `encode_cursor` was given; `BadRequest` when it was not ours."""
    if cursor is None:
        return None
    try:
        return json.loads(base64.urlsafe_b64decode(cursor.encode()))
    except (ValueError, binascii.Error, RecursionError):
        raise BadRequest("This cursor is not one of this server. Begin without one.") from None


def text_cursor(cursor: str | None) -> str | None:
    """A cursor that holds one text."""
    value = decode_cursor(cursor)
    if value is not None and not isinstance(value, str):
        raise BadRequest("This cursor is not one of this list. Begin without one.")
    return value


def number_cursor(cursor: str | None) -> int:
    """A cursor that holds how many items were had; 0 without one."""
    value = decode_cursor(cursor)
    if value is None:
        return 0
    if type(value) is not int or not 0 <= value < 2**31:
        raise BadRequest("This cursor is not one of this list. Begin without one.")
    return value


# An id that is no UUID is not in the database either: 404 comes from there.
CardId = Annotated[str, Path(alias="card_id")]
JobId = Annotated[str, Path(alias="job_id")]
TokenId = Annotated[str, Path(alias="token_id")]
RepoKey = Annotated[
    str, Path(alias="repo_id", max_length=200, description="The id of a repository, or its name.")
]


IF_MATCH: Final[dict[str, Any]] = {
    "parameters": [
        {
            "name": "If-Match",
            "in": "header",
            "required": False,
            "schema": {"type": "string"},
            "description": "The `version` that was seen; else 412.",
        }
    ]
}
"""For the description of a route that calls `seen_version`; a declared header costs far more."""


def seen_version(request: Request) -> int | None:
    """The version in ``If-Match``, if one was sent."""
    if_match = request.headers.get("if-match", "*").strip()
    if if_match == "*":
        return None
    number = if_match.removeprefix("W/").strip('"')
    if not (number.isascii() and number.isdigit() and len(number) < 10):
        raise Invalid('If-Match must be the `version` that you saw, like "3".')
    return int(number)
