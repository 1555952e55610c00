"""The columns of several tables in one row of a result."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from sqlalchemy import ColumnElement, Table


def columns_of(table: Table, kind: type[Any]) -> list[ColumnElement[Any]]:
    """The columns of a row of this kind, in its order, so that ``kind(*row[first:last])`` makes one."""
    return [table.c[field.name].label(f"{table.name}_{field.name}") for field in fields(kind)]
