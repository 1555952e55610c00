"""Cards: rows and queries. The board's JSON is in `lazyaf.store.board`."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, bindparam, func, insert, literal_column, or_, select, update

from lazyaf.domain.cards import POSITION_STEP
from lazyaf.domain.errors import NotFound, VersionConflict
from lazyaf.domain.forges import FOLLOWED, PullState
from lazyaf.store.change import change
from lazyaf.store.tables import cards, intents
from lazyaf.store.tx import Tx


@dataclass(frozen=True, slots=True)
class CardRow:
    """A card as stored."""

    id: str
    repo_id: str
    number: int
    title: str
    description: str
    status: str
    position: float
    labels: list[str]
    priority: int
    agent: str | None
    agent_options: dict[str, Any]
    base_branch: str | None
    branch_name: str | None
    head_sha: str | None
    merged_sha: str | None
    pr_url: str | None
    pr_state: str | None
    pr_note: str | None
    job_id: str | None
    failure: dict[str, Any] | None
    no_changes: bool
    additions: int | None
    deletions: int | None
    files: int | None
    mergeable: bool | None
    conflicts: list[str]
    base_sha: str | None
    behind: int | None
    conflicts_with: list[int]
    uncompared: int
    rejections: int
    checks: dict[str, Any] | None
    merge_state: dict[str, Any] | None
    fix_rounds: int
    branch_deleted: bool
    archived_at: str | None
    version: int
    created_at: str
    updated_at: str


_GET = select(cards).where(cards.c.id == bindparam("card_id"))
_TOP = select(func.min(cards.c.position)).where(cards.c.status == bindparam("status"))

_IN_REVIEW = select(cards).where(
    cards.c.repo_id == bindparam("repo_id"),
    cards.c.status == "in_review",
    cards.c.head_sha.is_not(None),
)
_SOME_IN_REVIEW = _IN_REVIEW.with_only_columns(cards.c.id).limit(1)


def set_fields(tx: Tx, card_id: str, values: dict[str, Any], seen_version: int | None) -> bool:
    """Change columns, the version growing by one; False when there is no such card, or not in the
    version that was seen."""
    keys = {"id": card_id} if seen_version is None else {"id": card_id, "version": seen_version}
    return change(tx, cards, keys, values, counter="version")


def get_card(tx: Tx, card_id: str) -> CardRow:
    """The card, or `NotFound`."""
    row = tx.execute(_GET, {"card_id": card_id}).one_or_none()
    if row is None:
        raise NotFound(f"There is no card {card_id}. It may have been deleted.")
    return CardRow(**row._mapping)


def cards_by_branch(tx: Tx, repo_id: str) -> dict[str, CardRow]:
    """Cards that have a branch, by its name."""
    query = select(cards).where(cards.c.repo_id == repo_id, cards.c.branch_name.is_not(None))
    return {row.branch_name: CardRow(**row._mapping) for row in tx.execute(query)}


def cards_on(tx: Tx, repo_id: str, branches: Sequence[str]) -> list[CardRow]:
    """The cards whose branches these are."""
    query = select(cards).where(cards.c.repo_id == repo_id, cards.c.branch_name.in_(branches))
    return [CardRow(**row._mapping) for row in tx.execute(query)]


def done_among(tx: Tx, card_ids: Sequence[str]) -> set[str]:
    """Those of these cards that are done."""
    query = select(cards.c.id).where(cards.c.id.in_(card_ids), cards.c.status == "done")
    return set(tx.execute(query).scalars())


def cards_in_review(tx: Tx, repo_id: str) -> list[CardRow]:
    """The cards of a repository that wait for review and have a branch."""
    return [CardRow(**row._mapping) for row in tx.execute(_IN_REVIEW, {"repo_id": repo_id})]


def is_in_review(tx: Tx, repo_id: str) -> bool:
    """Whether `cards_in_review` has any."""
    return tx.execute(_SOME_IN_REVIEW, {"repo_id": repo_id}).one_or_none() is not None


def is_base_of_open_card(tx: Tx, repo_id: str, branch: str) -> bool:
    """Whether a card that is not done goes into this branch."""
    query = select(cards.c.id).where(
        cards.c.repo_id == repo_id, cards.c.base_branch == branch, cards.c.status != "done"
    )
    return tx.execute(query.limit(1)).one_or_none() is not None


def repos_in_review(tx: Tx) -> list[str]:
    """The repositories that have cards in review."""
    query = select(cards.c.repo_id).where(cards.c.status == "in_review").distinct()
    return list(tx.execute(query).scalars())


def done_on_board(tx: Tx, repo_id: str, limit: int) -> list[CardRow]:
    """Cards in Done that are not archived and with which nothing is under way, the oldest first."""
    query = (
        select(cards)
        .where(
            cards.c.repo_id == repo_id,
            cards.c.status == "done",
            cards.c.archived_at.is_(None),
            cards.c.id.not_in(select(intents.c.card_id)),
        )
        .order_by(cards.c.id)
        .limit(limit)
    )
    return [CardRow(**row._mapping) for row in tx.execute(query)]


def insert_card(tx: Tx, values: dict[str, Any]) -> None:
    """Add a card."""
    tx.execute(insert(cards), values)


def update_card(tx: Tx, card: CardRow, values: dict[str, Any]) -> None:
    """Change columns by compare-and-set on the version, which grows by one."""
    if not set_fields(tx, card.id, values, card.version):
        raise VersionConflict(
            f"Card #{card.number} changed meanwhile. Load it again and retry your change."
        )


def remove_card(tx: Tx, card_id: str) -> None:
    """Delete a card with its jobs."""
    tx.execute(cards.delete().where(cards.c.id == card_id))


def top_position(tx: Tx, status: str) -> float:
    """A position above every card of a column, in all repositories."""
    top = tx.execute(_TOP, {"status": status}).scalar_one()
    return 0.0 if top is None else float(top) - POSITION_STEP


def position_beside(tx: Tx, card: CardRow, anchor: CardRow, *, above: bool) -> float | None:
    """The position of the card that stands directly above, or below, ``anchor`` in its column, of
    whichever repository, when ``card`` is not counted; None at the column's end."""
    beyond = operator.lt if above else operator.gt
    last = func.max if above else func.min
    query = select(last(cards.c.position)).where(
        cards.c.status == anchor.status,
        cards.c.id.not_in((card.id, anchor.id)),
        or_(
            beyond(cards.c.position, anchor.position),
            and_(cards.c.position == anchor.position, beyond(cards.c.id, anchor.id)),
        ),
    )
    found: float | None = tx.execute(query).scalar_one()
    return found


def respace(tx: Tx, status: str) -> list[str]:
    """Give every card of a column, in all repositories, a fresh, evenly spaced position in the present
    order; returns their ids."""
    query = (
        select(cards.c.id)
        .where(cards.c.status == status)
        .order_by(cards.c.position, cards.c.job_id, cards.c.id)
    )
    ids = [row.id for row in tx.execute(query)]
    if ids:
        tx.execute(
            update(cards)
            .where(cards.c.id == bindparam("card_id"))
            .values(position=bindparam("new_position"), version=cards.c.version + 1),
            [
                {"card_id": card_id, "new_position": index * POSITION_STEP}
                for index, card_id in enumerate(ids)
            ],
        )
    return ids


_PULL = select(cards.c.id, cards.c.pr_url).where(cards.c.pr_url.is_not(None))
_FOLLOWED = _PULL.where(
    # As the index has it: a literal, or the whole table would be read.
    cards.c.pr_state.in_([literal_column(f"'{state.value}'") for state in FOLLOWED])
)
_CLOSED = _PULL.where(cards.c.status == "in_review", cards.c.pr_state == PullState.CLOSED.value)


def followed_cards(tx: Tx) -> dict[str, str]:
    """The page of every pull request that is not known to have ended, by its card's id."""
    return {row.id: row.pr_url for row in tx.execute(_FOLLOWED)}


def closed_in_review(tx: Tx) -> dict[str, str]:
    """The page of every pull request that was closed while its card waits for review, by the card's id: it
    may be opened again."""
    return {row.id: row.pr_url for row in tx.execute(_CLOSED)}
