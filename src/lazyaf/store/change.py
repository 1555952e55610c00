"""Changes columns of one row by its key; the statement is built once for each set of columns.

There are few such sets, and building a statement costs more than running it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import Table, Update, bindparam, update

from lazyaf.store.tx import Tx


@lru_cache(maxsize=512)
def _statement(
    table: Table, keys: tuple[str, ...], columns: tuple[str, ...], counter: str | None
) -> Update:
    found = (table.c[key] == bindparam(f"key_{key}", type_=table.c[key].type) for key in keys)
    values: dict[str, Any] = {
        name: bindparam(f"new_{name}", type_=table.c[name].type) for name in columns
    }
    if counter is not None:
        values[counter] = table.c[counter] + 1
    return update(table).where(*found).values(values)


def change(
    tx: Tx,
    table: Table,
    keys: Mapping[str, Any],
    values: Mapping[str, Any],
    *,
    counter: str | None = None,
) -> bool:
    """Change columns where every key column has this value, ``counter`` growing by one; False when
    there is no such row."""
    statement = _statement(table, tuple(keys), tuple(sorted(values)), counter)
    parameters = {f"key_{name}": value for name, value in keys.items()}
    parameters.update({f"new_{name}": value for name, value in values.items()})
    return tx.execute(statement, parameters).rowcount == 1
