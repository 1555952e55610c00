"""Lists: a page of the board, the queue of a repository, and the jobs of a card."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lazyaf.services.repositories import find_repo
from lazyaf.services.views import named_job_view
from lazyaf.store.board_list import BoardFilter, list_summaries
from lazyaf.store.cards import get_card
from lazyaf.store.events import last_event_id
from lazyaf.store.jobs import jobs_of_card
from lazyaf.store.queue import standings, waiting_in
from lazyaf.store.tx import Tx

Wanted = BoardFilter


def board_page(
    tx: Tx, wanted: Wanted, epoch: str, encode_cursor: Callable[[Any], str | None]
) -> bytes:
    """A page of cards as a JSON body. Its event cursor is read first, so that nothing falls
    between the snapshot and the events (rules.md R11)."""
    event_id = last_event_id(tx)
    items, after = list_summaries(tx, wanted)
    cursor = encode_cursor(after)
    following = f'"{cursor}"' if cursor is not None else "null"
    return f'{{"items":{items},"next_cursor":{following},"cursor":"{epoch}:{event_id}"}}'.encode()


def queue_of(
    tx: Tx, repo_key: str | None, after: int, limit: int
) -> tuple[list[dict[str, Any]], int | None]:
    """Where the queued jobs of a repository (id or name), or of all, stand, in their order, and where
    the next page begins."""
    repo_id = None if repo_key is None else find_repo(tx, repo_key).id
    rows = waiting_in(tx, repo_id, after, limit + 1)
    page = rows[:limit]
    found = standings(tx, page)
    items = [
        {
            "card_id": row.card_id,
            "job_id": row.job_id,
            "queue_position": found[row.job_id].place,
            "held_by": found[row.job_id].held_by,
        }
        for row in page
    ]
    return items, after + limit if len(rows) > limit else None


def jobs_of(tx: Tx, card_id: str) -> list[dict[str, Any]]:
    """Every job of a card, newest first."""
    get_card(tx, card_id)
    return [named_job_view(tx, job) for job in jobs_of_card(tx, card_id)]
