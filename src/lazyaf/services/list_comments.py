"""A card's comments as a client sees them: what was said, what came of it, and where its lines are now."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from lazyaf.domain.comments import state_of
from lazyaf.domain.errors import NotFound
from lazyaf.git.track import Place
from lazyaf.services.card_ends import card_and_repo, card_ends
from lazyaf.services.comment_places import places_now
from lazyaf.services.context import Context
from lazyaf.services.rounds import numbers_of
from lazyaf.store.cards import CardRow
from lazyaf.store.comments import CommentRow, comments_of_card
from lazyaf.store.repos import RepoRow
from lazyaf.store.tx import Tx


async def list_comments(ctx: Context, card_id: str) -> list[dict[str, Any]]:
    """Every comment of the card, by number. Raises `NotFound`."""
    card, repo, comments, rounds = await ctx.db.read(_look, card_id)
    if not comments:
        return []
    places: list[Place | None] = [None] * len(comments)
    with suppress(NotFound):  # without a base there are no changes, but what was said is there
        places = await places_now(ctx, repo.id, await card_ends(ctx, card, repo), comments)
    return [_view(comment, place, rounds) for comment, place in zip(comments, places, strict=True)]


def _look(tx: Tx, card_id: str) -> tuple[CardRow, RepoRow, list[CommentRow], dict[str, int]]:
    return *card_and_repo(tx, card_id), comments_of_card(tx, card_id), numbers_of(tx, card_id)


def _view(comment: CommentRow, place: Place | None, rounds: dict[str, int]) -> dict[str, Any]:
    return {
        "number": comment.number,
        "card_id": comment.card_id,
        "job_id": comment.job_id,
        "round": rounds[comment.job_id],
        "path": comment.path,
        "side": comment.side,
        "start_line": comment.start_line,
        "line": comment.line,
        "body": comment.body,
        "base_sha": comment.base_sha,
        "head_sha": comment.head_sha,
        "author": comment.actor,
        "created_at": comment.created_at,
        "state": state_of(
            is_resolved=comment.resolved_at is not None,
            is_answered=comment.reply_seq is not None,
            is_outdated=place is None,
        ),
        "at": None if place is None else _place_view(place),
        "reply": _reply_view(comment),
        "resolved_by": comment.resolved_by,
        "resolved_at": comment.resolved_at,
    }


def _place_view(place: Place) -> dict[str, Any]:
    several = place.start != place.end
    return {
        "path": place.path,
        "start_line": place.start if several else None,
        "line": place.end,
    }


def _reply_view(comment: CommentRow) -> dict[str, Any] | None:
    if comment.reply_seq is None:
        return None
    return {
        "job_id": comment.reply_job_id,
        "seq": comment.reply_seq,
        "text": comment.reply,
        "at": comment.replied_at,
    }
