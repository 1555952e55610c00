"""Change a card's fields, and what follows from another base branch."""

from __future__ import annotations

from typing import Any

from lazyaf.domain.events import Actor
from lazyaf.services.after_push import base_changed
from lazyaf.services.cards import edit_card
from lazyaf.services.context import Context
from lazyaf.store.board import FullCard


async def change_card(
    ctx: Context, card_id: str, changes: dict[str, Any], if_match: int | None, actor: Actor
) -> FullCard:
    """Change fields, never the status; the card is measured anew a moment later if its base branch
    is another one."""
    card = await ctx.db.write(edit_card, card_id, changes, if_match, actor, ctx.clock.now())
    if "base_branch" in changes and card.status == "in_review":
        ctx.background.run(base_changed(ctx, card.repo_id))
    return card
