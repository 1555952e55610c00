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


_FIRST = (
    select(queued_merges)
    .where(queued_merges.c.repo_id == bindparam("repo_id"))
    .order_by(queued_merges.c.id)
    .limit(1)
)
_REMOVE = delete(queued_merges).where(queued_merges.c.card_id == bindparam("card"))


def insert_queued_merge(tx: Tx, queued: QueuedMerge) -> None:
    """Put it at the end; a second one of the card raises the integrity error."""
    tx.execute(
        insert(queued_merges), {name: getattr(queued, name) for name in QueuedMerge.__slots__}
    )


def first_queued_merge(tx: Tx, repo_id: str) -> QueuedMerge | None:
    """What comes next in a repository."""
    row = tx.execute(_FIRST, {"repo_id": repo_id}).one_or_none()
    return QueuedMerge(**row._mapping) if row is not None else None


def remove_queued_merge(tx: Tx, card_id: str) -> bool:
    """Take it out; whether it was there."""
    return tx.execute(_REMOVE, {"card": card_id}).rowcount == 1
