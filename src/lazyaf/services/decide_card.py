"""Reject or reopen a card, or close one that was merged elsewhere."""

from __future__ import annotations

from typing import Any

from lazyaf.domain.cards import CardCommand, CardStatus, apply
from lazyaf.domain.errors import Conflict
from lazyaf.domain.events import Actor
from lazyaf.domain.forges import PullState
from lazyaf.git import refs
from lazyaf.services.card_branch import branch_ref, keep_tip
from lazyaf.services.cards import change_status, require_no_intent
from lazyaf.services.context import Context
from lazyaf.services.restore_branch import announce_branch, bring_back
from lazyaf.services.views import card_view
from lazyaf.store.cards import CardRow, get_card
from lazyaf.store.tx import Tx


async def reject_card(ctx: Context, card_id: str, actor: Actor) -> dict[str, Any]:
    """Put a card back to To Do; its tip is archived and its branch stays."""
    async with ctx.job_locks.hold(f"card:{card_id}"):
        card = await ctx.db.read(_rejectable, card_id)
        tip = await refs.resolve(ctx.git, card.repo_id, branch_ref(card.branch_name or ""))
        if tip is not None:
            _, kept = await keep_tip(ctx, card, tip)
            await refs.update(ctx.git, card.repo_id, [kept])
        await ctx.db.write(_reject, card_id, actor, ctx.clock.now())
    return await ctx.db.read(card_view, card_id)


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


async def close_card(ctx: Context, card_id: str, actor: Actor) -> dict[str, Any]:
    """Close a card in review whose pull request was merged: nothing is merged here.

    Raises `Conflict` ``pr_not_merged`` as long as its forge has not said that it was.
    """
    async with ctx.job_locks.hold(f"card:{card_id}"):
        await ctx.db.write(_close, card_id, actor, ctx.clock.now())
    return await ctx.db.read(card_view, card_id)


def _close(tx: Tx, card_id: str, actor: Actor, now: str) -> None:
    card = get_card(tx, card_id)
    apply(CardStatus(card.status), CardCommand.CLOSE)
    require_no_intent(tx, card)
    if card.pr_state != PullState.MERGED.value:
        raise Conflict(
            f"The pull request of card #{card.number} is not known to be merged. Approve the card, or have "
            "its pull request looked at again.",
            code="pr_not_merged",
        )
    change_status(tx, card, CardCommand.CLOSE, {}, actor, now)


async def reopen_card(ctx: Context, card_id: str, actor: Actor) -> dict[str, Any]:
    """Put a done card back to To Do, out of the archive if it was there. A branch that went with the merge
    is there again, if its last commit is."""
    async with ctx.job_locks.hold(f"card:{card_id}"):
        card = await ctx.db.read(_reopenable, card_id)
        is_back = card.branch_deleted and await bring_back(ctx, card)
        await ctx.db.write(_reopen, card_id, is_back, actor, ctx.clock.now())
    return await ctx.db.read(card_view, card_id)


def _reopenable(tx: Tx, card_id: str) -> CardRow:
    card = get_card(tx, card_id)
    apply(CardStatus(card.status), CardCommand.REOPEN)
    require_no_intent(tx, card)
    return card


def _reopen(tx: Tx, card_id: str, is_back: bool, actor: Actor, now: str) -> None:
    card = get_card(tx, card_id)
    require_no_intent(tx, card)
    values: dict[str, Any] = {"merged_sha": None, "archived_at": None}
    if is_back:
        values["branch_deleted"] = False
        announce_branch(tx, card, actor)
    change_status(tx, card, CardCommand.REOPEN, values, actor, now)
