"""Event rows: written last in their transaction, read by the one tailer (rules.md R11)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, func, insert, select, text

from lazyaf.domain.events import Json, NewEvent, family_of
from lazyaf.store.json_text import write_json
from lazyaf.store.tables import events
from lazyaf.store.tx import Tx

ADVISORY_LOCK = 0x1A2AF
"""Taken on PostgreSQL before events are inserted, so that id order is commit order."""

_INSERT = insert(events)
_AFTER = (
    select(events)
    .where(events.c.id > bindparam("after"))
    .order_by(events.c.id)
    .limit(bindparam("limit"))
)
_LAST = select(func.coalesce(func.max(events.c.id), 0))
_FIRST = select(func.coalesce(func.min(events.c.id), 0))


@dataclass(frozen=True, slots=True)
class EventRow:
    """A stored event; ``data`` is JSON text."""

    id: int
    at: str
    type: str
    family: str
    actor: str
    subject: str
    version: int
    data: str


def insert_events(tx: Tx, new: Sequence[NewEvent], at: str) -> None:
    """Write the events of a batch in one statement, in order."""
    if not new:
        return
    if tx.dialect == "postgresql":
        tx.conn.execute(text(f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})"))
    rows: list[dict[str, Any]] = [
        {
            "at": at,
            "type": event.type.value,
            "family": family_of(event.type),
            "actor": str(event.actor),
            "subject": event.subject,
            "version": event.version,
            "data": _encode(event.data),
        }
        for event in new
    ]
    tx.conn.execute(_INSERT, rows)


def _encode(data: Mapping[str, object]) -> str:
    """An event's data as JSON text."""
    members = [
        f'"{name}":{value.text if isinstance(value, Json) else write_json(value)}'
        for name, value in data.items()
    ]
    return "{" + ",".join(members) + "}"


def events_after(tx: Tx, after: int, limit: int) -> list[EventRow]:
    """Up to ``limit`` events whose id is greater, oldest first."""
    rows = tx.execute(_AFTER, {"after": after, "limit": limit})
    return [EventRow(**row._mapping) for row in rows]


def last_event_id(tx: Tx) -> int:
    """The id of the newest event, 0 when there is none."""
    return int(tx.execute(_LAST).scalar_one())


def first_event_id(tx: Tx) -> int:
    """The id of the oldest event kept, 0 when there is none."""
    return int(tx.execute(_FIRST).scalar_one())


def trim_events(tx: Tx, before: str) -> int:
    """Delete events older than this timestamp, keeping the newest; returns how many."""
    newest = select(func.max(events.c.id)).scalar_subquery()
    result = tx.execute(events.delete().where(events.c.at < before, events.c.id < newest))
    return result.rowcount


def count_events_before(tx: Tx, before: str) -> int:
    """How many `trim_events` would delete."""
    newest = select(func.max(events.c.id)).scalar_subquery()
    query = select(func.count()).where(events.c.at < before, events.c.id < newest)
    return int(tx.execute(query).scalar_one())
