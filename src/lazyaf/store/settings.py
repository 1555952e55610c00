"""Settings that the program keeps itself: a key and a JSON value each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import bindparam, select

from lazyaf.store.tables import settings
from lazyaf.store.tx import Tx

_GET = select(settings.c.value).where(settings.c.key == bindparam("key"))
_SOME = select(settings).where(settings.c.key.in_(bindparam("keys", expanding=True)))


def get_setting(tx: Tx, key: str, default: Any = None) -> Any:
    """The value, or the default when it was never set."""
    row = tx.execute(_GET, {"key": key}).one_or_none()
    return default if row is None else row.value


def get_settings(tx: Tx, keys: Iterable[str]) -> dict[str, Any]:
    """The values of those that were set."""
    return {row.key: row.value for row in tx.execute(_SOME, {"keys": list(keys)})}


def put_setting(tx: Tx, key: str, value: Any) -> None:
    """Set a value."""
    statement = tx.insert_on_conflict(settings).values(key=key, value=value)
    tx.execute(statement.on_conflict_do_update(index_elements=["key"], set_={"value": value}))
