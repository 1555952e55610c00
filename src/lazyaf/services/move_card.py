"""Move a card: within its column to another place, or by the command that a drop elsewhere stands for."""

from __future__ import annotations

from typing import Any

from lazyaf.domain.cards import CardCommand, CardStatus, command_for_drop, position_between
from lazyaf.domain.errors import Conflict, NotFound
from lazyaf.domain.events import Actor, EventType
from lazyaf.services.announce import card_changed
from lazyaf.services.cancel_job import cancel_card
from lazyaf.services.context import Context
from lazyaf.services.decide_card import reject_card, reopen_card
from lazyaf.services.start_card import RunRequest, start_card
from lazyaf.services.views import card_view
from lazyaf.store.cards import CardRow, get_card, position_beside, respace, update_card
from lazyaf.store.queue import reorder
from lazyaf.store.tx import Tx


async def move_card(
    ctx: Context,
    card_id: str,
    status: str | None,
    before: str | None,
    after: str | None,
    actor: Actor,
) -> dict[str, Any]:
    """Put a card directly above ``before`` or below ``after``; returns it in full.

    A drop on another column (``status``) is that column's command. It has its place there if the
    neighbour still stands there afterwards: the command counts, not where the pointer was.
    """
    command = await ctx.db.read(_drop_command, card_id, status)
    if command is None:
        return await ctx.db.write(place_card, card_id, before, after, actor, ctx.clock.now())
    await _give(ctx, card_id, command, actor)
    if before is not None or after is not None:
        await ctx.db.write(_place_if_possible, card_id, before, after, actor, ctx.clock.now())
    return await ctx.db.read(card_view, card_id)


def _drop_command(tx: Tx, card_id: str, status: str | None) -> CardCommand | None:
    card = get_card(tx, card_id)
    return command_for_drop(CardStatus(card.status), CardStatus(status or card.status))


async def _give(ctx: Context, card_id: str, command: CardCommand, actor: Actor) -> None:
    match command:
        case CardCommand.CANCEL:
            await cancel_card(ctx, card_id, actor)
        case CardCommand.REJECT:
            await reject_card(ctx, card_id, actor)
        case CardCommand.REOPEN:
            await reopen_card(ctx, card_id, actor)
        case _:
            await start_card(ctx, card_id, command, RunRequest(), actor)


def place_card(
    tx: Tx, card_id: str, before: str | None, after: str | None, actor: Actor, now: str
) -> dict[str, Any]:
    """Put a card directly above ``before``, or below ``after``; in In Progress that is its place in
    the queue. 409 when they have left its column, or stand in another order than was seen."""
    card = get_card(tx, card_id)
    position = _spot(tx, card, before, after)
    if position is None:
        _make_room(tx, card, actor)
        card = get_card(tx, card_id)
        position = _spot(tx, card, before, after)
    if position is not None and position != card.position:
        update_card(tx, card, {"position": position, "updated_at": now})
        reorder(tx, card_id, position=position)
    return card_changed(tx, EventType.CARD_UPDATED, card_id, actor).view


def _spot(tx: Tx, card: CardRow, before: str | None, after: str | None) -> float | None:
    """The position between the neighbours, None when there is no room between them."""
    below, above = _neighbour(tx, card, before), _neighbour(tx, card, after)
    if below is not None:
        if above is not None and (above.position, above.id) > (below.position, below.id):
            raise Conflict("Those cards are in another order now. Load the board again.")
        return position_between(position_beside(tx, card, below, above=True), below.position)
    if above is not None:
        return position_between(above.position, position_beside(tx, card, above, above=False))
    return card.position


def _place_if_possible(
    tx: Tx, card_id: str, before: str | None, after: str | None, actor: Actor, now: str
) -> None:
    try:
        place_card(tx, card_id, before, after, actor, now)
    except (Conflict, NotFound):
        return  # the card, or its neighbour, went on meanwhile


def _neighbour(tx: Tx, card: CardRow, neighbour_id: str | None) -> CardRow | None:
    if neighbour_id is None or neighbour_id == card.id:
        return None
    neighbour = get_card(tx, neighbour_id)
    if neighbour.status != card.status:
        raise Conflict(
            f"Card #{neighbour.number} is no longer in that column. Load the board again."
        )
    return neighbour


def _make_room(tx: Tx, card: CardRow, actor: Actor) -> None:
    """Space a column anew, in all repositories: a column has one scale."""
    in_queue = card.status == CardStatus.IN_PROGRESS.value
    for card_id in respace(tx, card.status):
        if in_queue:
            reorder(tx, card_id, position=get_card(tx, card_id).position)
        if card_id != card.id:
            card_changed(tx, EventType.CARD_UPDATED, card_id, actor)
