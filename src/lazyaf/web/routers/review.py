"""The review of a card: comments on its changes, and its rounds."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Response

from lazyaf.domain.suggestions import Suggestion
from lazyaf.services.apply_suggestions import apply_suggestions
from lazyaf.services.inspect_repo import interdiff_view
from lazyaf.services.list_comments import list_comments
from lazyaf.services.request_changes import Remark, request_changes
from lazyaf.services.resolve_comment import resolve_comment
from lazyaf.services.rounds import list_rounds, round_diff
from lazyaf.web import schemas
from lazyaf.web.auth import Person, State
from lazyaf.web.errors import PROBLEMS
from lazyaf.web.paging import CardId, Cursor, FilePath, encode_cursor, number_cursor
from lazyaf.web.ready_json import ready_json

router = APIRouter(prefix="/api/cards", tags=["review"], responses=PROBLEMS)

Number = Annotated[int, Path(ge=1, lt=2**31)]


@router.post("/{card_id}/request-changes", response_model=schemas.Card)
async def post_changes(
    state: State, person: Person, card_id: CardId, body: schemas.ChangesRequest
) -> Response:
    """Send a message and comments to the agent as another round on the same branch and session. Comments
    of earlier rounds that are still open go along again."""
    remarks = [Remark(**comment.model_dump()) for comment in body.comments]
    card = await request_changes(state.ctx, card_id, body.message, remarks, person)
    return ready_json(card.json)


@router.post("/{card_id}/suggestions", response_model=schemas.Card)
async def post_suggestions(
    state: State, person: Person, card_id: CardId, body: schemas.SuggestionsRequest
) -> dict[str, Any]:
    """Commit suggestions to the branch of a card in review, with you as author. The head is another one
    then."""
    suggestions = [
        Suggestion(each.path, each.start_line or each.line, each.line, each.text)
        for each in body.suggestions
    ]
    return await apply_suggestions(state.ctx, card_id, body.head_sha, suggestions, person)


@router.get("/{card_id}/comments", response_model=schemas.Page[schemas.ReviewComment])
async def get_comments(state: State, card_id: CardId) -> dict[str, Any]:
    """Every comment that was sent, by number, with what came of it and where its lines are now."""
    return {"items": await list_comments(state.ctx, card_id), "next_cursor": None}


@router.post("/{card_id}/comments/{number}/resolve", response_model=schemas.ReviewComment)
async def resolve(state: State, person: Person, card_id: CardId, number: Number) -> dict[str, Any]:
    """Say that a comment is settled."""
    now = state.ctx.clock.now()
    await state.ctx.db.write(resolve_comment, card_id, number, person, now)
    return await _comment(state, card_id, number)


@router.post("/{card_id}/comments/{number}/unresolve", response_model=schemas.ReviewComment)
async def unresolve(
    state: State, person: Person, card_id: CardId, number: Number
) -> dict[str, Any]:
    """Say that a comment is not settled after all."""
    now = state.ctx.clock.now()
    await state.ctx.db.write(resolve_comment, card_id, number, person, now, resolved=False)
    return await _comment(state, card_id, number)


async def _comment(state: State, card_id: str, number: int) -> dict[str, Any]:
    comments = await list_comments(state.ctx, card_id)
    return next(comment for comment in comments if comment["number"] == number)


@router.get("/{card_id}/rounds", response_model=schemas.Page[schemas.Round])
async def get_rounds(state: State, card_id: CardId) -> dict[str, Any]:
    """Each run of the card's agent, the oldest first."""
    return {"items": await list_rounds(state.ctx, card_id), "next_cursor": None}


@router.get("/{card_id}/rounds/{number}/diff", response_model=schemas.Diff)
async def get_round_diff(
    state: State, card_id: CardId, number: Number, path: FilePath = None, cursor: Cursor = None
) -> dict[str, Any]:
    """What one round alone has changed: nothing of what its base brought."""
    ends, part = await round_diff(state.ctx, card_id, number, path, number_cursor(cursor))
    found = await interdiff_view(ends, part)
    return {**found, "next_cursor": encode_cursor(found["next_cursor"])}
