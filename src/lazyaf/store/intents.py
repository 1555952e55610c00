"""Intents: what is about to be done in git, written down before it is done (rules.md R8)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, delete, insert, select

from lazyaf.store.tables import intents
from lazyaf.store.tx import Tx


@dataclass(frozen=True, slots=True)
class IntentRow:
    """Move ``ref`` from ``old_sha`` (None: create) to ``new_sha``; ``head_sha`` is the card's head."""

    id: str
    repo_id: str
    card_id: str
    operation: str
    ref: str
    old_sha: str | None
    new_sha: str
    head_sha: str
    body: dict[str, Any]
    actor: str
    created_at: str


_BY_CARD = select(intents).where(intents.c.card_id == bindparam("card_id"))


def find_intent(tx: Tx, card_id: str) -> IntentRow | None:
    """The open intent of a card, if any."""
    row = tx.execute(_BY_CARD, {"card_id": card_id}).one_or_none()
    return IntentRow(**row._mapping) if row is not None else None


def list_intents(tx: Tx) -> list[IntentRow]:
    """Every open intent, oldest first."""
    return [IntentRow(**r._mapping) for r in tx.execute(select(intents).order_by(intents.c.id))]


def insert_intent(tx: Tx, intent: IntentRow) -> None:
    """Write an intent down; a second one of the same card raises the integrity error."""
    tx.execute(
        insert(intents), {name: getattr(intent, name) for name in IntentRow.__dataclass_fields__}
    )


def remove_intent(tx: Tx, intent_id: str) -> None:
    """The effect is confirmed, or it will never be."""
    tx.execute(delete(intents).where(intents.c.id == intent_id))
