"""Statements about several rows by their keys, of which there are only a few.

A list of any length in one parameter would be written out anew for each use, which costs more than to run
the statement; and a statement for every length would be as many.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, bindparam


def width(count: int) -> int:
    """How many keys the statement has that serves for so many: the next power of two."""
    return 1 << (count - 1).bit_length()


def is_one_of(column: ColumnElement[Any], name: str, count: int) -> ColumnElement[bool]:
    """Whether a column has one of so many keys, which are the parameters of this name."""
    keys = [bindparam(f"{name}_{n}", type_=column.type) for n in range(count)]
    return column == keys[0] if count == 1 else column.in_(keys)


def keys_of(name: str, values: Sequence[Any], count: int) -> Mapping[str, Any]:
    """The parameters for `is_one_of`; the first value is said again where there are fewer than keys."""
    padded = [*values, *[values[0]] * (count - len(values))]
    return {f"{name}_{n}": value for n, value in enumerate(padded)}
