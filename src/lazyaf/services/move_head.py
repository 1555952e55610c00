"""Moves the branch of a card that no job works on: intent → effect → confirm (rules.md R8).

For those who know the new commit and may put it there: recovered work that is used (`recovered_work`), a
base that is brought in (`update_branch`). The intent keeps jobs and other commands away meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lazyaf.domain.events import SERVER, Actor, EventType, NewEvent
from lazyaf.git import refs
from lazyaf.git.pktline import ZERO
from lazyaf.git.refs import RefUpdate
from lazyaf.services.announce import card_changed
from lazyaf.services.card_branch import Measured, archive_ref, branch_ref, measure
from lazyaf.services.cards import require_no_intent
from lazyaf.services.context import Context
from lazyaf.services.protect_branches import require_unprotected
from lazyaf.store.cards import CardRow, get_card, update_card
from lazyaf.store.intents import IntentRow, insert_intent, remove_intent
from lazyaf.store.repos import get_repo
from lazyaf.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Move:
    """From ``old`` (None: there is no branch yet) to ``new``. ``archived`` counts the archived tips of the
    card after it, and ``refs`` are moved in the same stroke."""

    operation: str
    card: CardRow
    old: str | None
    new: str
    archived: int
    refs: Sequence[RefUpdate] = ()


async def move_head(
    ctx: Context, move: Move, require: Callable[[Tx, CardRow], None], actor: Actor
) -> None:
    """Move the branch and the card. The caller holds the card's lock and `Storage.shared`, and ``require``
    raises what forbids it in the card's present state. Raises `BranchMoved`."""
    card = move.card
    intent = IntentRow(
        id=ctx.new_id(),
        repo_id=card.repo_id,
        card_id=card.id,
        operation=move.operation,
        ref=branch_ref(card.branch_name or ""),
        old_sha=move.old,
        new_sha=move.new,
        head_sha=move.new,
        body={"rejections": move.archived},
        actor=str(actor),
        created_at=ctx.clock.now(),
    )
    await ctx.db.write(_write_down, intent, require)
    try:
        step = RefUpdate(intent.ref, move.new, move.old or ZERO)
        await refs.update(ctx.git, card.repo_id, [step, *move.refs])
    except Exception:
        # Whatever went wrong, git alone knows whether it is done.
        await resume_move(ctx, intent)
        raise
    await _confirm(ctx, intent, actor)


async def archive_before(
    ctx: Context, card: CardRow, old: str, new: str
) -> tuple[int, list[RefUpdate]]:
    """Keep the tip that a rewritten branch leaves behind: how many are archived then, and the ref."""
    if await refs.is_ancestor(ctx.git, card.repo_id, old, new):
        return card.rejections, []
    count = card.rejections + 1
    while await refs.resolve(ctx.git, card.repo_id, archive_ref(card.number, count)):
        count += 1  # a crash may have come before counting
    return count, [RefUpdate(archive_ref(card.number, count), old, ZERO)]


def _write_down(tx: Tx, intent: IntentRow, require: Callable[[Tx, CardRow], None]) -> None:
    card = get_card(tx, intent.card_id)
    require(tx, card)
    require_no_intent(tx, card)
    branch = intent.ref.removeprefix(refs.HEADS)
    require_unprotected(get_repo(tx, card.repo_id), card, branch)
    insert_intent(tx, intent)


async def _confirm(ctx: Context, intent: IntentRow, actor: Actor) -> None:
    base = await ctx.db.read(_base, intent.card_id)
    measured = await measure(ctx, intent.repo_id, base, intent.new_sha)
    await ctx.db.write(_moved, intent, measured, actor, ctx.clock.now())


def _base(tx: Tx, card_id: str) -> str:
    card = get_card(tx, card_id)
    return card.base_branch or get_repo(tx, card.repo_id).default_branch


def _moved(tx: Tx, intent: IntentRow, measured: Measured, actor: Actor, now: str) -> None:
    remove_intent(tx, intent.id)
    card = get_card(tx, intent.card_id)
    update_card(
        tx,
        card,
        {
            "head_sha": intent.new_sha,
            **measured.values(),
            "no_changes": False,
            "rejections": max(card.rejections, intent.body["rejections"]),
            "updated_at": now,
        },
    )
    branch = intent.ref.removeprefix(refs.HEADS)
    data = {"branch": branch, "sha": intent.new_sha, "repo_id": intent.repo_id}
    tx.emit(NewEvent(EventType.BRANCH_PUSHED, intent.repo_id, actor, 0, data))
    card_changed(tx, EventType.CARD_UPDATED, card.id, actor)


async def resume_move(ctx: Context, intent: IntentRow) -> None:
    """After a crash: confirm if the branch was moved, otherwise as if never begun."""
    if await refs.resolve(ctx.git, intent.repo_id, intent.ref) == intent.new_sha:
        await _confirm(ctx, intent, SERVER)
    else:
        await ctx.db.write(remove_intent, intent.id)
