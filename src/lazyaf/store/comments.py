"""Comments of reviews, numbered within their card: rows and queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, func, insert, select

from lazyaf.domain.errors import NotFound
from lazyaf.store.change import change
from lazyaf.store.tables import comments
from lazyaf.store.tx import Tx


@dataclass(frozen=True, slots=True)
class CommentRow:
    """A comment as stored. ``line`` is its last line, ``start_line`` its first when there are several; None
    is the whole file. On the side ``old`` they count in the file at ``base_sha``, on ``new`` at
    ``head_sha``: the diff between these two is what was looked at. ``job_id`` is the round that it was sent
    with; ``reply`` is what the agent said in the entry ``reply_seq`` of ``reply_job_id``."""

    card_id: str
    number: int
    job_id: str
    path: str
    side: str
    start_line: int | None
    line: int | None
    body: str
    base_sha: str
    head_sha: str
    actor: str
    created_at: str
    reply_job_id: str | None = None
    reply_seq: int | None = None
    reply: str | None = None
    replied_at: str | None = None
    resolved_by: str | None = None
    resolved_at: str | None = None


IS_OPEN: ColumnElement[bool] = and_(
    comments.c.reply_seq.is_(None), comments.c.resolved_at.is_(None)
)
"""Neither answered nor resolved."""

_OF_CARD = (
    select(comments).where(comments.c.card_id == bindparam("card_id")).order_by(comments.c.number)
)
_LAST = select(func.coalesce(func.max(comments.c.number), 0)).where(
    comments.c.card_id == bindparam("card_id")
)
_UNRESOLVED = select(comments.c.number).where(
    comments.c.card_id == bindparam("card_id"), comments.c.resolved_at.is_(None)
)


def comments_of_card(tx: Tx, card_id: str) -> list[CommentRow]:
    """Every comment of a card, by number."""
    return [CommentRow(**row._mapping) for row in tx.execute(_OF_CARD, {"card_id": card_id})]


def get_comment(tx: Tx, card_id: str, number: int) -> CommentRow:
    """The comment, or `NotFound`."""
    query = _OF_CARD.where(comments.c.number == bindparam("number"))
    row = tx.execute(query, {"card_id": card_id, "number": number}).one_or_none()
    if row is None:
        raise NotFound(f"The card has no comment #{number}.")
    return CommentRow(**row._mapping)


def last_number(tx: Tx, card_id: str) -> int:
    """The greatest number of a card's comments; 0 when it has none."""
    return int(tx.execute(_LAST, {"card_id": card_id}).scalar_one())


def unresolved_numbers(tx: Tx, card_id: str) -> list[int]:
    """The numbers of those that nobody has resolved."""
    return sorted(tx.execute(_UNRESOLVED, {"card_id": card_id}).scalars())


def insert_comments(tx: Tx, rows: Sequence[CommentRow]) -> None:
    """Add comments; the jobs that they were sent with are there."""
    if rows:
        names = [field.name for field in fields(CommentRow)]
        tx.execute(insert(comments), [{name: getattr(row, name) for name in names} for row in rows])


def update_comment(tx: Tx, card_id: str, number: int, values: dict[str, Any]) -> None:
    """Change columns; nothing happens when there is no such comment."""
    change(tx, comments, {"card_id": card_id, "number": number}, values)


def open_comments(tx: Tx, card_id: str) -> list[CommentRow]:
    """Those that were neither answered nor resolved, by number."""
    query = _OF_CARD.where(IS_OPEN)
    return [CommentRow(**row._mapping) for row in tx.execute(query, {"card_id": card_id})]
