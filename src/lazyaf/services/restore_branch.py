"""Brings the deleted branch of a card back to the commit that it was at last.

An approval keeps that commit under a ref of its own (`lazyaf.services.merge_card`), so it is there however
the branch went: with the merge, or by a person's push later on.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from lazyaf.domain.cards import CardStatus
from lazyaf.domain.errors import BranchMoved, Conflict
from lazyaf.domain.events import Actor, EventType, NewEvent
from lazyaf.git import refs
from lazyaf.git.pktline import ZERO
from lazyaf.git.refs import RefUpdate
from lazyaf.services.announce import card_changed
from lazyaf.services.card_branch import branch_ref
from lazyaf.services.cards import require_no_intent
from lazyaf.services.context import Context
from lazyaf.services.views import card_view
from lazyaf.store.cards import CardRow, cards_on, get_card, update_card
from lazyaf.store.tx import Tx


async def restore_branch(ctx: Context, card_id: str, actor: Actor) -> dict[str, Any]:
    """Make the card's branch anew; returns the card, in the status that it had. Raises `Conflict` when the
    branch is there, or its last commit is not."""
    async with ctx.job_locks.hold(f"card:{card_id}"):
        card = await ctx.db.read(_restorable, card_id)
        if not await bring_back(ctx, card):
            raise Conflict(
                f"The last commit of {card.branch_name} is not on this server any more, so the branch cannot "
                "be restored. Push it from a clone that has it.",
                code="branch_gone",
            )
        await ctx.db.write(_restored, card_id, actor, ctx.clock.now())
    return await ctx.db.read(card_view, card_id)


async def bring_back(ctx: Context, card: CardRow) -> bool:
    """Whether the branch is there again: at its last commit, or where somebody has put it meanwhile."""
    head, repo_id = card.head_sha, card.repo_id
    async with ctx.git.shared(repo_id):
        if head is None or await refs.resolve(ctx.git, repo_id, head) is None:
            return False
        branch = branch_ref(card.branch_name or "")
        with suppress(BranchMoved):  # it is there
            await refs.update(ctx.git, repo_id, [RefUpdate(branch, head, ZERO)])
    return True


def _restorable(tx: Tx, card_id: str) -> CardRow:
    card = get_card(tx, card_id)
    require_no_intent(tx, card)
    if not card.branch_deleted:
        raise Conflict(
            f"The branch of card #{card.number} was not deleted.", code="branch_not_deleted"
        )
    return card


def _restored(tx: Tx, card_id: str, actor: Actor, now: str) -> None:
    card = get_card(tx, card_id)
    update_card(tx, card, {"branch_deleted": False, "updated_at": now})
    announce_branch(tx, card, actor)
    card_changed(tx, EventType.CARD_UPDATED, card_id, actor)


def announce_branch(tx: Tx, card: CardRow, actor: Actor) -> None:
    """Tell that the branch is there."""
    data = {"branch": card.branch_name, "sha": card.head_sha, "repo_id": card.repo_id}
    tx.emit(NewEvent(EventType.BRANCH_PUSHED, card.repo_id, actor, 0, data))


def note_branches(tx: Tx, repo_id: str, there: dict[str, bool], actor: Actor) -> None:
    """People have pushed or deleted these branches: the cards whose they are know it. The job of a card that
    is worked on makes it anew."""
    for card in cards_on(tx, repo_id, list(there)):
        is_deleted = not there[card.branch_name or ""]
        is_at_work = card.status == CardStatus.IN_PROGRESS.value
        if card.branch_deleted != is_deleted and not is_at_work:
            update_card(tx, card, {"branch_deleted": is_deleted})
            card_changed(tx, EventType.CARD_UPDATED, card.id, actor)
