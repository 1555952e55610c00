"""Filters of a board that a person has given a name: rows and queries."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sqlalchemy import delete, insert, select, update

from lazyaf.store.tables import saved_views
from lazyaf.store.tx import Tx


@dataclass(frozen=True, slots=True)
class SavedView:
    """A named filter. ``repo_id`` is the board's repository, None for the board of all; ``query`` is in
    the words of the filter box."""

    id: str
    repo_id: str | None
    name: str
    query: str
    created_at: str


def list_saved_views(tx: Tx) -> list[SavedView]:
    """Those of every board, by name."""
    rows = tx.execute(select(saved_views).order_by(saved_views.c.name, saved_views.c.id))
    return [SavedView(**row._mapping) for row in rows]


def find_saved_view(tx: Tx, view_id: str) -> SavedView | None:
    """The one with this id."""
    row = tx.execute(select(saved_views).where(saved_views.c.id == view_id)).one_or_none()
    return None if row is None else SavedView(**row._mapping)


def insert_saved_view(tx: Tx, view: SavedView) -> None:
    """Add one. Its name must be free on its board."""
    tx.execute(insert(saved_views), asdict(view))


def change_saved_view(tx: Tx, view: SavedView) -> None:
    """Give it this name and this query."""
    statement = update(saved_views).where(saved_views.c.id == view.id)
    tx.execute(statement.values(name=view.name, query=view.query))


def remove_saved_view(tx: Tx, view_id: str) -> None:
    """Delete it."""
    tx.execute(delete(saved_views).where(saved_views.c.id == view_id))
