"""The checks of a card, and its place in the merge queue."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from lazyaf.services.queue_merge import withdraw_merge
from lazyaf.services.run_checks import run_checks
from lazyaf.services.show_checks import checks_of_card
from lazyaf.web import schemas
from lazyaf.web.auth import Person, State
from lazyaf.web.errors import PROBLEMS
from lazyaf.web.paging import CardId

router = APIRouter(prefix="/api/cards", tags=["checks"], responses=PROBLEMS)


@router.get("/{card_id}/checks", response_model=schemas.Page[schemas.CheckRun])
async def get_checks(state: State, card_id: CardId) -> dict[str, Any]:
    """The last runs of a card's checks, the newest first."""
    return {"items": await state.ctx.db.read(checks_of_card, card_id), "next_cursor": None}


@router.post("/{card_id}/checks", response_model=schemas.Card)
async def post_checks(state: State, person: Person, card_id: CardId) -> dict[str, Any]:
    """Run the checks once more, on what merging the card into its base makes now."""
    return await run_checks(state.ctx, card_id, person)


@router.post("/{card_id}/dequeue", response_model=schemas.Card)
async def dequeue(state: State, person: Person, card_id: CardId) -> dict[str, Any]:
    """Take an approved card out of the merge queue; it stays in review."""
    return await withdraw_merge(state.ctx, card_id, person)
