"""Reads events for the live feed, already serialised."""

from __future__ import annotations

import json
from dataclasses import dataclass

from lazyaf.store.events import EventRow, events_after, first_event_id, last_event_id, trim_events
from lazyaf.store.tx import Tx


@dataclass(frozen=True, slots=True)
class FeedItem:
    """One event as it goes over the wire."""

    id: int
    text: str


def read_feed(tx: Tx, epoch: str, after: int, limit: int) -> list[FeedItem]:
    """Up to ``limit`` events after this id, oldest first."""
    return [FeedItem(row.id, _serialise(row, epoch)) for row in events_after(tx, after, limit)]


def _serialise(row: EventRow, epoch: str) -> str:
    head = {
        "id": row.id,
        "cursor": f"{epoch}:{row.id}",
        "at": row.at,
        "type": row.type,
        "family": row.family,
        "actor": row.actor,
        "subject": row.subject,
        "version": row.version,
    }
    # The data is JSON already: it is put in as it is.
    return f'{json.dumps(head, separators=(",", ":"))[:-1]},"data":{row.data}}}'


def feed_bounds(tx: Tx) -> tuple[int, int]:
    """The ids of the oldest event kept and of the newest, 0 and 0 when there is none."""
    return first_event_id(tx), last_event_id(tx)


def trim_feed(tx: Tx, before: str) -> int:
    """Forget events older than this; returns how many."""
    return trim_events(tx, before)
