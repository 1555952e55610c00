"""Query parameters that many routes share.

The dependencies are coroutines although they wait for nothing: FastAPI runs plain functions in a
thread, which costs more than the rest of a request.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Annotated, Any

from fastapi import Depends, Header, Path, Query

from lazyaf.domain.errors import BadRequest, Invalid, NotFound

_UUID = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")

Limit = Annotated[int, Query(ge=1, le=1000, description="How many items a page has.")]
Cursor = Annotated[
    str | None, Query(max_length=1000, description="`next_cursor` of the page before.")
]


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
    except (ValueError, binascii.Error):
        raise BadRequest("This cursor is not one of this server. Begin without one.") from None


def text_cursor(cursor: str | None) -> str | None:
    """A cursor that holds one text."""
    value = decode_cursor(cursor)
    if value is not None and not isinstance(value, str):
        raise BadRequest("This cursor is not one of this list. Begin without one.")
    return value


def _require_uuid(kind: str, text: str) -> str:
    if not _UUID.match(text):
        raise NotFound(f"There is no {kind} {text[:60]}: an id is a UUID.")
    return text


_Key = Annotated[str, Path(max_length=200)]


async def _card_id(card_id: _Key) -> str:
    return _require_uuid("card", card_id)


async def _job_id(job_id: _Key) -> str:
    return _require_uuid("job", job_id)


async def _token_id(token_id: _Key) -> str:
    return _require_uuid("token", token_id)


CardId = Annotated[str, Depends(_card_id)]
JobId = Annotated[str, Depends(_job_id)]
TokenId = Annotated[str, Depends(_token_id)]
RepoKey = Annotated[
    str, Path(alias="repo_id", max_length=200, description="The id of a repository, or its name.")
]


async def if_match(
    value: Annotated[
        str | None,
        Header(alias="If-Match", description="The version that was seen; else 412."),
    ] = None,
) -> int | None:
    """The version in ``If-Match``, if one was sent."""
    if value is None or value.strip() == "*":
        return None
    number = value.strip().removeprefix("W/").strip('"')
    if not (number.isascii() and number.isdigit() and len(number) < 10):
        raise Invalid('If-Match must be the `version` that you saw, like "3".')
    return int(number)


IfMatch = Annotated[int | None, Depends(if_match)]
