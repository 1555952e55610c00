"""Commit what a reviewer suggests to the branch of a card in review, as the person who says so.

The branch is at another commit afterwards, so an approval of the one before is void, as after any push.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from lazyaf.domain.errors import BranchMoved, Invalid, NotFound
from lazyaf.domain.events import Actor
from lazyaf.domain.suggestions import Suggestion, applied, message_of
from lazyaf.git import refs
from lazyaf.git.edit import edit
from lazyaf.git.merge import Identity
from lazyaf.services.card_branch import branch_ref
from lazyaf.services.cards import require_no_intent
from lazyaf.services.context import Context
from lazyaf.services.move_head import Move, move_head
from lazyaf.services.update_branch import require_updatable
from lazyaf.services.views import card_view, person_identity
from lazyaf.store.cards import CardRow, get_card
from lazyaf.store.tx import Tx

OPERATION: Final = "suggestions"


async def apply_suggestions(
    ctx: Context, card_id: str, head_sha: str, suggestions: Sequence[Suggestion], actor: Actor
) -> dict[str, Any]:
    """Make one commit of them on ``head_sha``, where the branch must be; returns the card, in review as
    before. Raises `Invalid`, `BranchMoved`, `IllegalTransition`."""
    return await ctx.background.finish(_apply(ctx, card_id, head_sha, list(suggestions), actor))


async def _apply(
    ctx: Context, card_id: str, head_sha: str, suggestions: list[Suggestion], actor: Actor
) -> dict[str, Any]:
    if not suggestions:
        raise Invalid.field("suggestions", "Say what is to be applied.")
    by_path: dict[str, list[Suggestion]] = defaultdict(list)
    for each in suggestions:
        by_path[each.path].append(each)
    async with ctx.job_locks.hold(f"card:{card_id}"):
        card, person = await ctx.db.read(_reviewed, card_id)
        await _require_head(ctx, card, head_sha)
        # From the commit until a ref points at it, nothing may be pruned.
        async with ctx.git.shared(card.repo_id):
            new = await edit(
                ctx.git,
                card.repo_id,
                head_sha,
                {path: partial(applied, suggestions=each) for path, each in by_path.items()},
                message=message_of(suggestions),
                author=person,
            )
            move = Move(OPERATION, card, head_sha, new, card.rejections)
            await move_head(ctx, move, require_updatable, actor)
    return await ctx.db.read(card_view, card_id)


def _reviewed(tx: Tx, card_id: str) -> tuple[CardRow, Identity]:
    card = get_card(tx, card_id)
    require_updatable(tx, card)
    require_no_intent(tx, card)
    return card, person_identity(tx)


async def _require_head(ctx: Context, card: CardRow, head_sha: str) -> None:
    branch = card.branch_name or ""
    tip = await refs.resolve(ctx.git, card.repo_id, branch_ref(branch))
    if tip is None:
        raise NotFound(f"There is no branch “{branch}” of card #{card.number} any more.")
    if tip != head_sha:
        raise BranchMoved(
            f"{branch} has moved since you looked. Load the new commits, then apply it.",
            extra={"head_sha": tip},
        )
