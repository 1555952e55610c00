"""JSON as text, read and written several times as fast as `json` does with the short values that most are.

What only `json` knows is half a character: it is left to it, so that whoever stores one is refused in the
words that are said everywhere.
"""

from __future__ import annotations

import json
from typing import Any, Final

from pydantic_core import PydanticSerializationError, from_json, to_json

_dump: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def read_json(text: str | bytes) -> Any:
    """The value."""
    try:
        return from_json(text)
    except ValueError:
        return json.loads(text)


def write_json(value: Any) -> str:
    """The shortest text, in which only what has to be is escaped."""
    try:
        return to_json(value).decode()
    except PydanticSerializationError:
        return _dump(value)
