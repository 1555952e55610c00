"""Saved views: filters of a board that a person has given a name, for every browser."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any, Final

from lazyaf.domain.errors import Conflict, NameTaken, NotFound
from lazyaf.domain.events import Actor, EventType, NewEvent
from lazyaf.services.repositories import find_repo
from lazyaf.store.saved_views import (
    SavedView,
    change_saved_view,
    find_saved_view,
    insert_saved_view,
    list_saved_views,
    remove_saved_view,
)
from lazyaf.store.tx import Tx

COUNT_MAX: Final = 200
"""Views of all boards together: they are one list, and a menu."""


def show_views(tx: Tx) -> list[dict[str, Any]]:
    """Those of every board, by name."""
    return [_shown(view) for view in list_saved_views(tx)]


def save_view(
    tx: Tx, view_id: str, repo_key: str | None, name: str, query: str, actor: Actor, now: str
) -> dict[str, Any]:
    """Keep a filter under a name, for the board of a repository (id or name) or, with None, that of all.

    Raises `NameTaken`, and `Conflict` when there are too many.
    """
    repo_id = None if repo_key is None else find_repo(tx, repo_key).id
    known = list_saved_views(tx)
    if len(known) >= COUNT_MAX:
        raise Conflict(f"There can be {COUNT_MAX} saved views. Delete one first.")
    view = SavedView(view_id, repo_id, name, query, now)
    _require_free(known, view)
    insert_saved_view(tx, view)
    return _told(tx, view, actor)


def edit_view(tx: Tx, view_id: str, changes: dict[str, str], actor: Actor) -> dict[str, Any]:
    """Give a view another ``name`` or ``query``. Raises `NotFound` and `NameTaken`."""
    view = replace(_require(tx, view_id), **changes)
    _require_free(list_saved_views(tx), view)
    change_saved_view(tx, view)
    return _told(tx, view, actor)


def delete_view(tx: Tx, view_id: str, actor: Actor) -> None:
    """Forget a view. Raises `NotFound`."""
    _require(tx, view_id)
    remove_saved_view(tx, view_id)
    tx.emit(NewEvent(EventType.VIEW_DELETED, view_id, actor, data={"id": view_id}))


def _require(tx: Tx, view_id: str) -> SavedView:
    view = find_saved_view(tx, view_id)
    if view is None:
        raise NotFound("There is no saved view with this id.")
    return view


def _require_free(known: list[SavedView], view: SavedView) -> None:
    for other in known:
        if (other.repo_id, other.name) == (view.repo_id, view.name) and other.id != view.id:
            raise NameTaken(f"There is a view “{view.name}” on this board already.")


def _told(tx: Tx, view: SavedView, actor: Actor) -> dict[str, Any]:
    shown = _shown(view)
    tx.emit(NewEvent(EventType.VIEW_SAVED, view.id, actor, data={"view": shown}))
    return shown


def _shown(view: SavedView) -> dict[str, Any]:
    return asdict(view)
