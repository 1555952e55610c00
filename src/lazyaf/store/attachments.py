"""The rows of attached files: their bytes are in files of their own, found by their hash."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Final

from sqlalchemy import URL, bindparam, create_engine, delete, insert, inspect, select

from lazyaf.domain.errors import NotFound
from lazyaf.store.tables import attachments, cards, repos
from lazyaf.store.tx import Tx

AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class AttachmentRow:
    """An attached file. ``size`` is in bytes, ``sha256`` in hexadecimal digits."""

    id: str
    card_id: str
    name: str
    media_type: str
    size: int
    sha256: str
    created_at: str


@dataclass(frozen=True, slots=True)
class NamedFile:
    """A file that must be there; ``what`` says who names it, like ``“a.png” of card #12``."""

    sha256: str
    what: str


_OF_CARD = (
    select(attachments)
    .where(attachments.c.card_id == bindparam("card_id"))
    .order_by("created_at", "id")
)
_GET = select(attachments).where(attachments.c.id == bindparam("attachment_id"))


def attachments_of(tx: Tx, card_id: str) -> list[AttachmentRow]:
    """A card's, the oldest first."""
    return [AttachmentRow(**row._mapping) for row in tx.execute(_OF_CARD, {"card_id": card_id})]


def get_attachment(tx: Tx, attachment_id: str) -> AttachmentRow:
    """The one of this id, or `NotFound`."""
    row = tx.execute(_GET, {"attachment_id": attachment_id}).one_or_none()
    if row is None:
        raise NotFound(f"There is no attached file {attachment_id}. It may have been removed.")
    return AttachmentRow(**row._mapping)


def insert_attachment(tx: Tx, row: AttachmentRow) -> None:
    """Add one."""
    tx.execute(insert(attachments), asdict(row))


def remove_attachment(tx: Tx, attachment_id: str) -> None:
    """Delete the row."""
    tx.execute(delete(attachments).where(attachments.c.id == attachment_id))


def hashes_of(tx: Tx, *, card_id: str | None = None, repo_id: str | None = None) -> list[str]:
    """Of the files of a card, or of all cards of a repository."""
    query = select(attachments.c.sha256).distinct()
    if card_id is not None:
        query = query.where(attachments.c.card_id == card_id)
    if repo_id is not None:
        query = query.where(
            attachments.c.card_id.in_(select(cards.c.id).where(cards.c.repo_id == repo_id))
        )
    return sorted(tx.execute(query).scalars())


def named_of(tx: Tx, hashes: Collection[str]) -> set[str]:
    """Those of these hashes that some row names."""
    every: Sequence[str] = list(hashes)
    found: set[str] = set()
    for start in range(0, len(every), AT_ONCE):
        some = every[start : start + AT_ONCE]
        query = select(attachments.c.sha256).where(attachments.c.sha256.in_(some))
        found |= set(tx.execute(query).scalars())
    return found


def named_files(url: URL) -> list[NamedFile]:
    """Every file that the database names, once for everyone who names it. A database of an older program,
    which has none, is read as well. Blocking."""
    engine = create_engine(url)
    try:
        if "attachments" not in inspect(engine).get_table_names():
            return []
        query = select(attachments.c.sha256, attachments.c.name, cards.c.number).where(
            cards.c.id == attachments.c.card_id,
            repos.c.id == cards.c.repo_id,
            repos.c.is_deleting.is_(False),
        )
        with engine.connect() as conn:
            return [
                NamedFile(row.sha256, f"“{row.name}” of card #{row.number}")
                for row in conn.execute(query)
            ]
    finally:
        engine.dispose()
