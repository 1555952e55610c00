"""The board's view of cards, made as JSON by the database itself.

One expression serves the list (`board_list`), the answer of a command and the card in an event, so
they never differ. Making 1,000 of these in SQL costs a third of making them in Python (store.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    and_,
    case,
    cast,
    func,
    literal_column,
    null,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB

from lazyaf.domain.errors import NotFound
from lazyaf.domain.jobs import JobStatus
from lazyaf.store.holds import Circumstances, read_holds
from lazyaf.store.json_text import read_json, write_json
from lazyaf.store.queue import QUEUED_COLUMNS, Standing, standing_of
from lazyaf.store.several import is_one_of, keys_of, width
from lazyaf.store.tables import cards, jobs
from lazyaf.store.tx import Tx


class _Json:
    """The JSON functions of one dialect."""

    def __init__(self, dialect: str) -> None:
        self.is_postgresql = dialect == "postgresql"

    def object(self, **members: Any) -> ColumnElement[Any]:
        pairs: list[Any] = []
        for name, value in members.items():
            pairs += [literal_column(f"'{name}'"), value]
        return func.json_build_object(*pairs) if self.is_postgresql else func.json_object(*pairs)

    def boolean(self, value: Any) -> Any:
        if self.is_postgresql:
            return value
        return case(
            (value.is_(None), null()),
            (value, func.json(literal_column("'true'"))),
            else_=func.json(literal_column("'false'")),
        )

    def embed(self, column: Any) -> Any:
        return column if self.is_postgresql else func.json(column)

    def number(self, column: Any, member: str) -> Any:
        if self.is_postgresql:
            return cast(column, JSONB)[member]
        return func.json_extract(column, literal_column(f"'$.{member}'"))


STANDING: Final = {
    "sqlite": '"queue_position":null,"held_by":null}}',
    "postgresql": '"queue_position" : null, "held_by" : null}}',
}
"""How the summary of a card that has a job ends, by dialect; see `with_standing`."""


def summary_of(dialect: str) -> ColumnElement[Any]:
    """A card's summary. What depends on the whole queue comes last and is null: see `with_standing`."""
    j = _Json(dialect)
    live = j.object(
        job_id=jobs.c.id,
        job_status=jobs.c.status,
        phase=jobs.c.phase,
        last_action=jobs.c.last_action,
        queued_at=jobs.c.created_at,
        started_at=jobs.c.started_at,
        completed_at=jobs.c.completed_at,
        attempt=jobs.c.attempt,
        agent=jobs.c.agent,
        cost_usd=j.number(jobs.c.usage, "cost_usd"),
        additions=cards.c.additions,
        deletions=cards.c.deletions,
        files=cards.c.files,
        mergeable=j.boolean(cards.c.mergeable),
        conflicts=j.embed(cards.c.conflicts),
        behind=cards.c.behind,
        conflicts_with=j.embed(cards.c.conflicts_with),
        uncompared=cards.c.uncompared,
        queue_position=null(),
        held_by=null(),
    )
    return j.object(
        id=cards.c.id,
        repo_id=cards.c.repo_id,
        number=cards.c.number,
        title=cards.c.title,
        status=cards.c.status,
        position=cards.c.position,
        labels=j.embed(cards.c.labels),
        priority=cards.c.priority,
        agent=cards.c.agent,
        base_branch=cards.c.base_branch,
        branch_name=cards.c.branch_name,
        branch_deleted=j.boolean(cards.c.branch_deleted),
        head_sha=cards.c.head_sha,
        merged_sha=cards.c.merged_sha,
        pr_url=cards.c.pr_url,
        pr_state=cards.c.pr_state,
        pr_note=cards.c.pr_note,
        job_id=cards.c.job_id,
        failure=case((cards.c.failure.is_(None), null()), else_=j.embed(cards.c.failure)),
        no_changes=j.boolean(cards.c.no_changes),
        stopping=j.boolean(
            and_(
                func.coalesce(jobs.c.cancel_requested, literal_column("false")),
                func.coalesce(jobs.c.status, "") == literal_column("'running'"),
            )
        ),
        checks=case((cards.c.checks.is_(None), null()), else_=j.embed(cards.c.checks)),
        merge_state=case(
            (cards.c.merge_state.is_(None), null()), else_=j.embed(cards.c.merge_state)
        ),
        archived_at=cards.c.archived_at,
        version=cards.c.version,
        created_at=cards.c.created_at,
        updated_at=cards.c.updated_at,
        live=case((jobs.c.id.is_(None), null()), else_=live),
    )


def with_standing(text: str, dialect: str, standing: Standing) -> str:
    """A queued card's summary with its place and what holds it: these change with every claim, and
    nothing else in it does."""
    held = "null" if standing.held_by is None else f'"{standing.held_by}"'
    end = STANDING[dialect]
    if not text.endswith(end):
        raise ValueError(f"A queued card's summary ends otherwise: {text[-60:]}")
    return f'{text[: -len(end)]}"queue_position":{standing.place},"held_by":{held}}}}}'


@lru_cache(maxsize=16)
def _statement(dialect: str, count: int) -> Select[Any]:
    return (
        select(
            cast(summary_of(dialect), Text).label("text"),
            *(cards.c[name] for name in _CARD),
            cards.c.job_id,
            *QUEUED_COLUMNS,
        )
        .select_from(cards)
        .outerjoin(jobs, jobs.c.id == cards.c.job_id)
        .where(is_one_of(cards.c.id, "card_id", count))
    )


@dataclass(frozen=True, slots=True)
class FullCard:
    """A card as the board shows it (``text``: its summary as JSON), what only itself shows, and what of the
    summary is asked for too often to decode it for that."""

    text: str
    id: str
    repo_id: str
    number: int
    title: str
    status: str
    base_branch: str | None
    branch_name: str | None
    version: int
    description: str
    agent_options: dict[str, Any]

    @property
    def summary(self) -> dict[str, Any]:
        """The card as the board shows it."""
        decoded: dict[str, Any] = read_json(self.text)
        return decoded

    @property
    def view(self) -> dict[str, Any]:
        """Everything in one."""
        return {**self.summary, **self._further}

    @property
    def json(self) -> bytes:
        """`view` as JSON, without decoding the summary."""
        further = write_json(self._further)
        return f"{self.text[:-1]},{further[1:]}".encode()

    @property
    def _further(self) -> dict[str, Any]:
        return {"description": self.description, "agent_options": self.agent_options}


_CARD: Final = tuple(field.name for field in fields(FullCard))[1:]
"""What of it are columns of its own."""


def full_card(tx: Tx, card_id: str, circumstances: Circumstances | None = None) -> FullCard:
    """One card in full, or `NotFound`; the ``circumstances`` if they are known."""
    card = full_cards(tx, [card_id], circumstances).get(card_id)
    if card is None:
        raise NotFound(f"There is no card {card_id}. It may have been deleted.")
    return card


def full_cards(
    tx: Tx, ids: Sequence[str], circumstances: Circumstances | None = None
) -> dict[str, FullCard]:
    """Those of these cards that are there, in full, by their ids."""
    if not ids:
        return {}
    count = width(len(ids))
    rows = tx.execute(_statement(tx.dialect, count), keys_of("card_id", ids, count)).all()
    texts = {row.id: row.text for row in rows}
    queued = [row for row in rows if row.job_status == JobStatus.QUEUED]
    if queued:
        holds = read_holds(tx, circumstances)
        for row in queued:
            standing = standing_of(tx, row, holds)
            texts[row.id] = with_standing(row.text, tx.dialect, standing)
    return {row.id: FullCard(texts[row.id], *row[1 : 1 + len(_CARD)]) for row in rows}


def card_summary(tx: Tx, card_id: str) -> dict[str, Any]:
    """One card as the board shows it, or `NotFound`."""
    return full_card(tx, card_id).summary
