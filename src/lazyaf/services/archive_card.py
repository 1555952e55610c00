"""Take done cards off the board, and bring them back. Nothing of a card changes but that it is shown."""

from __future__ import annotations

from typing import Any, Final

from lazyaf.domain.cards import CardCommand
from lazyaf.domain.events import Actor
from lazyaf.services.cards import change_status, require_no_intent
from lazyaf.services.context import Context
from lazyaf.services.repositories import find_repo
from lazyaf.services.views import card_view
from lazyaf.store.cards import done_on_board, get_card
from lazyaf.store.tx import Tx

BATCH: Final = 100
"""Cards of one transaction, so that nobody waits long for theirs."""


def archive_card(tx: Tx, card_id: str, actor: Actor, now: str) -> dict[str, Any]:
    """Off the board; returns the card in full. One that is archived stays as it is."""
    return _set(tx, card_id, CardCommand.ARCHIVE, now, actor, now)


def unarchive_card(tx: Tx, card_id: str, actor: Actor, now: str) -> dict[str, Any]:
    """Back to its place in Done; returns the card in full."""
    return _set(tx, card_id, CardCommand.UNARCHIVE, None, actor, now)


def _set(
    tx: Tx, card_id: str, command: CardCommand, archived_at: str | None, actor: Actor, now: str
) -> dict[str, Any]:
    card = get_card(tx, card_id)
    require_no_intent(tx, card)
    if card.archived_at is not None and archived_at is not None:
        return card_view(tx, card_id)
    return change_status(tx, card, command, {"archived_at": archived_at}, actor, now).view


async def archive_done(ctx: Context, repo_key: str, actor: Actor) -> int:
    """Archive every card in Done of a repository (id or name); how many that were."""
    repo = await ctx.db.read(find_repo, repo_key)
    count = 0
    while archived := await ctx.db.write(_archive_some, repo.id, actor, ctx.clock.now()):
        count += archived
    return count


def _archive_some(tx: Tx, repo_id: str, actor: Actor, now: str) -> int:
    cards = done_on_board(tx, repo_id, BATCH)
    for card in cards:
        change_status(tx, card, CardCommand.ARCHIVE, {"archived_at": now}, actor, now)
    return len(cards)
