"""Reject or reopen a card."""

from __future__ import annotations

from typing import Any

from lazyaf.domain.cards import CardCommand, CardStatus, apply
from lazyaf.domain.events import Actor
from lazyaf.git import refs
from lazyaf.git.pktline import ZERO
from lazyaf.git.refs import RefUpdate
from lazyaf.services.card_branch import archive_ref, branch_ref
from lazyaf.services.cards import change_status, require_no_intent
from lazyaf.services.context import Context
from lazyaf.services.views import card_view
from lazyaf.store.cards import CardRow, get_card
from lazyaf.store.tx import Tx


async def reject_card(ctx: Context, card_id: str, actor: Actor) -> dict[str, Any]:
    """Put a card back to To Do; its tip is archived and its branch stays."""
    async with ctx.job_locks.hold(f"card:{card_id}"):
        card = await ctx.db.read(_rejectable, card_id)
        tip = await refs.resolve(ctx.git, card.repo_id, branch_ref(card.branch_name or ""))
        if tip is not None:
            await _archive(ctx, card, tip)
        await ctx.db.write(_reject, card_id, actor, ctx.clock.now())
    return await ctx.db.read(card_view, card_id)


async def _archive(ctx: Context, card: CardRow, tip: str) -> None:
    """Keep the tip under the next free number: one may have been taken by a crashed rejection."""
    count = card.rejections + 1
    while True:
        ref = archive_ref(card.number, count)
        held = await refs.resolve(ctx.git, card.repo_id, ref)
        if held is None:
            await refs.update(ctx.git, card.repo_id, [RefUpdate(ref, tip, ZERO)])
        if held in (None, tip):
            return
        count += 1


def _rejectable(tx: Tx, card_id: str) -> CardRow:
    card = get_card(tx, card_id)
    apply(CardStatus(card.status), CardCommand.REJECT)
    require_no_intent(tx, card)
    return card


def _reject(tx: Tx, card_id: str, actor: Actor, now: str) -> None:
    card = get_card(tx, card_id)
    require_no_intent(tx, card)
    values = {"rejections": card.rejections + 1, "failure": None, "no_changes": False}
    change_status(tx, card, CardCommand.REJECT, values, actor, now)


async def reopen_card(ctx: Context, card_id: str, actor: Actor) -> dict[str, Any]:
    """Put a done card back to To Do."""
    await ctx.db.write(_reopen, card_id, actor, ctx.clock.now())
    return await ctx.db.read(card_view, card_id)


def _reopen(tx: Tx, card_id: str, actor: Actor, now: str) -> None:
    card = get_card(tx, card_id)
    require_no_intent(tx, card)
    change_status(tx, card, CardCommand.REOPEN, {"merged_sha": None}, actor, now)
