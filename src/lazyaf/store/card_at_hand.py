"""A card with its repository and what is under way with it, in one look."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import bindparam, exists, select

from lazyaf.domain.errors import NotFound
from lazyaf.store.cards import CardRow, get_card
from lazyaf.store.columns import columns_of
from lazyaf.store.comments import IS_OPEN
from lazyaf.store.repos import RepoRow, get_repo
from lazyaf.store.tables import cards, comments, intents, repos
from lazyaf.store.tx import Tx


@dataclass(frozen=True, slots=True)
class CardAtHand:
    """``doing`` is the operation of its open intent, if it has one; ``is_discussed`` says whether some of its
    comments is open."""

    card: CardRow
    repo: RepoRow
    doing: str | None
    is_discussed: bool


_CARD, _REPO = columns_of(cards, CardRow), columns_of(repos, RepoRow)
_GET = (
    select(
        *_CARD,
        *_REPO,
        intents.c.operation.label("doing"),
        exists().where(comments.c.card_id == cards.c.id, IS_OPEN).label("is_discussed"),
    )
    .join_from(cards, repos, repos.c.id == cards.c.repo_id)
    .outerjoin(intents, intents.c.card_id == cards.c.id)
    .where(cards.c.id == bindparam("card_id"))
)


def card_at_hand(tx: Tx, card_id: str) -> CardAtHand:
    """The card and what belongs to it, or `NotFound`."""
    row = tx.execute(_GET, {"card_id": card_id}).one_or_none()
    if row is None or row.repos_is_deleting:
        get_repo(tx, get_card(tx, card_id).repo_id)  # one of them says what is not there
        raise NotFound(f"There is no card {card_id}.")
    card, repo = CardRow(*row[: len(_CARD)]), RepoRow(*row[len(_CARD) : -2])
    return CardAtHand(card, repo, row.doing, bool(row.is_discussed))
