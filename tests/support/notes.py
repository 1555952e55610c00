"""The smallest thing that a service does: a row and an event."""

from __future__ import annotations

from sqlalchemy import insert

from lazyaf.domain.errors import Conflict
from lazyaf.domain.events import SERVER, EventType, NewEvent
from lazyaf.store.settings import put_setting
from lazyaf.store.tables import settings
from lazyaf.store.tx import Tx


def note(tx: Tx, key: str, *, fail: str = "") -> str:
    """Write a row and an event; fail before, after, or inside the database."""
    if fail == "before":
        raise Conflict(key)
    put_setting(tx, key, 1)
    tx.emit(NewEvent(EventType.SETTINGS_UPDATED, key, SERVER))
    if fail == "after":
        raise Conflict(key)
    if fail == "constraint":
        tx.execute(insert(settings), {"key": key, "value": 2})
    return key
