"""Say that a comment is settled, or that it is not after all."""

from __future__ import annotations

from lazyaf.domain.errors import Conflict
from lazyaf.domain.events import Actor, EventType
from lazyaf.services.announce import card_changed
from lazyaf.store.cards import get_card, update_card
from lazyaf.store.comments import get_comment, unresolved_numbers, update_comment
from lazyaf.store.tx import Tx


def resolve_comment(
    tx: Tx, card_id: str, number: int, actor: Actor, now: str, *, resolved: bool = True
) -> None:
    """Resolve the comment, or open it again; nothing happens when it is so already. Raises `NotFound`."""
    card = get_card(tx, card_id)
    comment = get_comment(tx, card_id, number)
    if (comment.resolved_at is not None) == resolved:
        return
    values = {
        "resolved_at": now if resolved else None,
        "resolved_by": str(actor) if resolved else None,
    }
    update_comment(tx, card_id, number, values)
    update_card(tx, card, {"updated_at": now})
    card_changed(tx, EventType.CARD_UPDATED, card_id, actor)


def require_all_resolved(tx: Tx, card_id: str) -> None:
    """Raise 409 ``unresolved_comments`` with their numbers while there are any."""
    numbers = unresolved_numbers(tx, card_id)
    if not numbers:
        return
    named = ", ".join(f"#{number}" for number in numbers)
    what = f"Comment {named} is" if len(numbers) == 1 else f"Comments {named} are"
    raise Conflict(
        f"{what} not resolved. Look whether that matters, then resolve or approve all the same.",
        code="unresolved_comments",
        extra={"comments": numbers},
    )
