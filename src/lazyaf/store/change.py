"""Changes columns of rows by their keys; the statement is built once for each set of columns.

There are few such sets, and building a statement costs more than running it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    return tx.execute(statement, _parameters(keys, values)).rowcount == 1


def change_each(
    tx: Tx,
    table: Table,
    changes: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]],
    *,
    counter: str | None = None,
) -> None:
    """`change` for several rows by the same keys and columns, each pair of them being the row's."""
    keys, values = changes[0]
    statement = _statement(table, tuple(keys), tuple(sorted(values)), counter)
    parameters = [_parameters(keys, values) for keys, values in changes]
    tx.execute(statement, parameters if len(parameters) > 1 else parameters[0])


def _parameters(keys: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    parameters = {f"key_{name}": value for name, value in keys.items()}
    parameters.update({f"new_{name}": value for name, value in values.items()})
    return parameters
