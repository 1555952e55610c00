"""Which cards and repositories were deleted here, as the events tell; only as far back as they are kept.

What merely is not there may never have been: an id of another server, or one from after the backup that
this database was restored from.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from sqlalchemy import Table, select

from lazyaf.domain.events import EventType
from lazyaf.store.tables import cards, events, repos
from lazyaf.store.tx import Tx

AT_ONCE: Final = 500


def deleted_cards(tx: Tx, ids: Sequence[str]) -> list[str]:
    """Those of these cards; the ones of a deleted repository are not told."""
    return _deleted(tx, cards, EventType.CARD_DELETED, ids)


def deleted_repos(tx: Tx, ids: Sequence[str]) -> list[str]:
    """Those of these repositories."""
    return _deleted(tx, repos, EventType.REPO_DELETED, ids)


def _deleted(tx: Tx, table: Table, kind: EventType, ids: Collection[str]) -> list[str]:
    there: set[str] = set()
    for some in _parts(ids):
        there |= set(tx.execute(select(table.c.id).where(table.c.id.in_(some))).scalars())
    gone = set(ids) - there
    if not gone:
        return []  # the events have no index for this: look only when it is worth it
    told = select(events.c.subject).where(events.c.type == kind.value)
    return sorted(gone.intersection(tx.execute(told).scalars()))


def _parts(ids: Collection[str]) -> list[list[str]]:
    every = list(ids)
    return [every[start : start + AT_ONCE] for start in range(0, len(every), AT_ONCE)]
