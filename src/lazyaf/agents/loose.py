"""Reads values out of JSON that nobody promised to keep stable.

Agents change their output with every version, so a driver takes what has the expected type and
treats everything else as absent. Nothing here raises.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

Object = Mapping[str, object]
EMPTY: Object = {}


def parse_object(line: str) -> Object | None:
    """The JSON object in a line, or None for anything else."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def string(source: Object, key: str) -> str:
    """A string, or an empty one."""
    value = source.get(key)
    return value if isinstance(value, str) else ""


def integer(source: Object, key: str) -> int:
    """A number of at least 0, rounded down; 0 for anything else."""
    return int(number(source, key))


def number(source: Object, key: str) -> float:
    """A finite number of at least 0; 0 for anything else."""
    value = source.get(key)
    if not isinstance(value, int | float) or not 0 <= value <= 2**53 or math.isnan(value):
        return 0.0
    return float(value)


def flag(source: Object, key: str) -> bool:
    """True only for ``true``."""
    return source.get(key) is True


def child(source: Object, key: str) -> Object:
    """An object, or an empty one."""
    value = source.get(key)
    return value if isinstance(value, dict) else EMPTY


def objects(source: Object, key: str) -> list[Object]:
    """The objects in a list; what is no object is left out."""
    value = source.get(key)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def strings(source: Object, key: str) -> list[str]:
    """The strings in a list; what is no string is left out."""
    value = source.get(key)
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
