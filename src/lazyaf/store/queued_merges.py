"""Approved cards that wait to be merged, by repository in the order of their approvals."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import bindparam, delete, insert, select

from lazyaf.store.tables import queued_merges
from lazyaf.store.tx import Tx


@dataclass(frozen=True, slots=True)
class QueuedMerge:
    """An approval that waits: of which commit, by which method, by whom. ``id`` gives the order."""

    id: str
    card_id: str
    repo_id: str
    head_sha: str
    method: str
    actor: str
    created_at: str


_IN_ORDER = (
    select(queued_merges)
    .where(queued_merges.c.repo_id == bindparam("repo_id"))
    .order_by(queued_merges.c.id)
)
_REMOVE = delete(queued_merges).where(queued_merges.c.card_id == bindparam("card"))


def insert_queued_merge(tx: Tx, queued: QueuedMerge) -> None:
    """Put it at the end; a second one of the card raises the integrity error."""
    tx.execute(
        insert(queued_merges), {name: getattr(queued, name) for name in QueuedMerge.__slots__}
    )


def queued_merges_of(tx: Tx, repo_id: str, limit: int | None = None) -> list[QueuedMerge]:
    """What waits in a repository, or the first of it, in turn."""
    rows = tx.execute(_IN_ORDER.limit(limit), {"repo_id": repo_id})
    return [QueuedMerge(**row._mapping) for row in rows]


def remove_queued_merge(tx: Tx, card_id: str) -> bool:
    """Take it out; whether it was there."""
    return tx.execute(_REMOVE, {"card": card_id}).rowcount == 1
