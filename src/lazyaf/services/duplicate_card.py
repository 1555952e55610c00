"""Make a card that says what another says, with the same files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

from lazyaf.domain.events import Actor
from lazyaf.services.cards import NewCard, create_card
from lazyaf.store.attachments import attachments_of, insert_attachment
from lazyaf.store.cards import get_card
from lazyaf.store.tx import Tx


def duplicate_card(
    tx: Tx, card_id: str, new_id: Callable[[], str], actor: Actor, now: str
) -> dict[str, Any]:
    """Put a card that says the same at the top of To Do; returns it in full. Nothing of what was done
    for the other comes along; its files do, and their bytes are shared."""
    card = get_card(tx, card_id)
    said = NewCard(**{each.name: getattr(card, each.name) for each in fields(NewCard)})
    copy = create_card(tx, new_id(), card.repo_id, said, actor, now)
    for attached in attachments_of(tx, card_id):
        insert_attachment(tx, replace(attached, id=new_id(), card_id=copy["id"]))
    return copy
