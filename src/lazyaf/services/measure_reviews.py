"""Measures the cards in review whose head or base has moved: their size, whether they merge, how far
behind they are.

A card's row says which head was measured against which base, so nothing is measured twice, not even after
a restart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

import structlog

from lazyaf.domain.errors import GitFailed
from lazyaf.domain.events import SERVER, EventType
from lazyaf.git import merge_many, refs
from lazyaf.services.announce import card_changed
from lazyaf.services.card_branch import Measured, base_of, branch_ref, measure_against
from lazyaf.services.context import Context
from lazyaf.store.cards import CardRow, cards_in_review, update_card
from lazyaf.store.repos import RepoRow, get_repo
from lazyaf.store.tx import Tx

log = structlog.get_logger(__name__)

CHUNK: Final = 50
"""Cards that are measured, written down and told together."""


@dataclass(frozen=True, slots=True)
class Review:
    """A card in review, its base branch, and where the tips of both are now."""

    card: CardRow
    base: str
    base_sha: str
    head_sha: str

    @property
    def is_due(self) -> bool:
        """Whether what the card says was measured on other commits, or never."""
        measured = (self.card.head_sha, self.card.base_sha)
        return measured != (self.head_sha, self.base_sha) or self.card.mergeable is None


async def measure_reviews(ctx: Context, repo_id: str, is_over: Callable[[], bool]) -> list[Review]:
    """Bring every card in review up to date, or those until ``is_over``; returns them all, as they were
    before."""
    reviews = await _reviews(ctx, repo_id)
    due = sorted((review for review in reviews if review.is_due), key=lambda each: each.base_sha)
    for base_sha, those in groupby(due, key=lambda each: each.base_sha):
        for some in _chunks(list(those)):
            if is_over():
                return reviews
            measured = await _measure(ctx, repo_id, base_sha, some)
            await ctx.db.write(_note, repo_id, measured, ctx.clock.now())
    return reviews


async def _reviews(ctx: Context, repo_id: str) -> list[Review]:
    repo, cards = await ctx.db.read(_in_review, repo_id)
    if not cards:
        return []
    bases = {card.id: base_of(card, repo) for card in cards}
    names = {branch_ref(card.branch_name or "") for card in cards}
    tips = await refs.tips(ctx.git, repo_id, names | {branch_ref(base) for base in bases.values()})
    found = []
    for card in cards:
        base = bases[card.id]
        base_sha, head = tips.get(branch_ref(base)), tips.get(branch_ref(card.branch_name or ""))
        if base_sha is not None and head is not None:
            found.append(Review(card, base, base_sha, head))
    return found


def _in_review(tx: Tx, repo_id: str) -> tuple[RepoRow, list[CardRow]]:
    return get_repo(tx, repo_id), cards_in_review(tx, repo_id)


def _chunks(reviews: Sequence[Review]) -> Iterator[Sequence[Review]]:
    for start in range(0, len(reviews), CHUNK):
        yield reviews[start : start + CHUNK]


async def _measure(
    ctx: Context, repo_id: str, base_sha: str, reviews: Sequence[Review]
) -> list[tuple[Review, Measured]]:
    heads = [review.head_sha for review in reviews]
    try:
        await merge_many.mergeabilities(
            ctx.git, repo_id, base_sha, heads
        )  # remembered from here on
    except GitFailed as error:
        log.warning("not_measured_together", repo=repo_id, detail=error.detail)
    measured = []
    for review in reviews:
        try:
            found = await measure_against(ctx, repo_id, base_sha, review.head_sha)
        except GitFailed as error:  # one broken branch must not keep the others in the dark
            log.warning("not_measured", repo=repo_id, card=review.card.id, detail=error.detail)
            continue
        measured.append((review, found))
    return measured


def _note(tx: Tx, repo_id: str, measured: Sequence[tuple[Review, Measured]], now: str) -> None:
    """Write down and tell what is otherwise, unless the card has become another meanwhile."""
    repo, cards = _in_review(tx, repo_id)
    present = {card.id: card for card in cards}
    for review, found in measured:
        card = present.get(review.card.id)
        if card is None or not _is_same(card, review, base_of(card, repo)):
            continue
        values = {"head_sha": review.head_sha, **found.values()}
        if review.head_sha != card.head_sha:
            values["updated_at"] = now  # new commits; that others moved changes nothing in it
        update_card(tx, card, values)
        card_changed(tx, EventType.CARD_UPDATED, card.id, SERVER)


def _is_same(card: CardRow, review: Review, base: str) -> bool:
    """Whether it still is what was looked at: else a newer look has the word."""
    seen = (review.card.head_sha, review.card.branch_name, review.base)
    return (card.head_sha, card.branch_name, base) == seen
