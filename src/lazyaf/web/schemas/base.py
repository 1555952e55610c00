"""What the other shapes are made of: texts and options that a database can hold, pages, problems."""

from __future__ import annotations

import json
from typing import Annotated, Any, Generic, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

T = TypeVar("T")

Label = Annotated[
    str,
    StringConstraints(
        min_length=1, max_length=50, strip_whitespace=True, pattern=r"^[^\x00-\x1f\x7f]*$"
    ),
]
Sha = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")]
# No NUL or lone surrogate survives in a database, so none is let in.
Line = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*$")]
Prose = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]


OPTIONS_MAX = 64 * 1024
"""Bytes of an agent's options."""
BRACKETS_MAX = 200
"""Lists and objects in them: more than that is nesting without end."""


def _storable(value: dict[str, Any]) -> dict[str, Any]:
    """Refuse what no JSON column holds: not-a-number, lone surrogates, NUL, bulk."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        raise ValueError("holds something that cannot be stored") from None
    brackets = text.count(b"[") + text.count(b"{")
    if len(text) > OPTIONS_MAX or brackets > BRACKETS_MAX or b"\\u0000" in text:
        raise ValueError("is too large, too deep or holds a NUL character")
    return value


Options = Annotated[dict[str, Any], AfterValidator(_storable)]


class Model(BaseModel):
    """Base of requests: an unknown member is an error, so that a typo is never silent."""

    model_config = ConfigDict(extra="forbid")


class Page(BaseModel, Generic[T]):
    """A page of a list; ``next_cursor`` is null on the last one."""

    items: list[T]
    next_cursor: str | None = None


class Problem(BaseModel):
    """RFC 9457. ``code`` is stable; further members help to act."""

    model_config = ConfigDict(extra="allow")

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    allowed: list[str] | None = None
    files: list[str] | None = None
    fields: dict[str, str] | None = None
