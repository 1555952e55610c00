"""Settings that the program keeps itself: a key and a JSON value each."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from sqlalchemy import Select, bindparam, select

from lazyaf.store.tables import settings
from lazyaf.store.tx import Tx

_GET = select(settings.c.value).where(settings.c.key == bindparam("key"))


@lru_cache(maxsize=16)
def _some(count: int) -> Select[Any]:
    """A list of any length in one parameter would be written out anew for each use."""
    return select(settings).where(settings.c.key.in_([bindparam(f"key{n}") for n in range(count)]))


def get_setting(tx: Tx, key: str, default: Any = None) -> Any:
    """The value, or the default when it was never set."""
    row = tx.execute(_GET, {"key": key}).one_or_none()
    return default if row is None else row.value


def get_settings(tx: Tx, keys: Iterable[str]) -> dict[str, Any]:
    """The values of those that were set."""
    wanted = {f"key{n}": key for n, key in enumerate(keys)}
    return {row.key: row.value for row in tx.execute(_some(len(wanted)), wanted)}


def put_setting(tx: Tx, key: str, value: Any) -> None:
    """Set a value."""
    statement = tx.insert_on_conflict(settings).values(key=key, value=value)
    tx.execute(statement.on_conflict_do_update(index_elements=["key"], set_={"value": value}))
