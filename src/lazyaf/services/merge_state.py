"""What a card says of its place in the merge queue: its ``merge_state``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lazyaf.domain.batches import BATCH_MAX
from lazyaf.domain.events import Actor, EventType
from lazyaf.services.announce import card_changed
from lazyaf.store.cards import get_card, update_card
from lazyaf.store.queued_merges import queued_merges_of
from lazyaf.store.tx import Tx


def merge_state(state: str, head_sha: str, **further: object) -> dict[str, Any]:
    """A card's ``merge_state``; what is not said is nothing."""
    known: dict[str, Any] = {
        "job_id": None,
        "together": [],
        "reason": None,
        "detail": None,
        "files": [],
    }
    return {"state": state, "head_sha": head_sha, **known, **further}


def show_merge_state(
    tx: Tx, card_id: str, state: dict[str, Any] | None, actor: Actor, now: str
) -> None:
    """Let the card say so, and tell it, unless it does already."""
    card = get_card(tx, card_id)
    if card.merge_state != state:
        update_card(tx, card, {"merge_state": state, "updated_at": now})
        card_changed(tx, EventType.CARD_UPDATED, card_id, actor)


def show_tried(
    tx: Tx, repo_id: str, tried: Mapping[str, int], job_id: str | None, now: str
) -> None:
    """Let the cards at the head of the queue say which of them are tried: those of these approvals, whose
    cards have these numbers, together. The others wait for their turn."""
    for queued in queued_merges_of(tx, repo_id, BATCH_MAX):
        state = merge_state("queued", queued.head_sha)
        if queued.id in tried:
            others = [number for approval, number in tried.items() if approval != queued.id]
            state = merge_state("checking", queued.head_sha, job_id=job_id, together=others)
        show_merge_state(tx, queued.card_id, state, Actor.parse(queued.actor), now)
