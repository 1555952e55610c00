"""The board's view of cards, made as JSON by the database itself.

One statement serves the list, the answer of a command and the card in an event, so they never
differ. Making 1,000 of these in SQL costs a third of making them in Python (store.md).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Select,
    Text,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    null,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB

from lazyaf.domain.errors import NotFound
from lazyaf.store.tables import cards, jobs
from lazyaf.store.tx import Tx

ESCAPE = "\\"
"""Makes ``%`` and ``_`` ordinary in a LIKE."""


@dataclass(frozen=True, slots=True)
class BoardFilter:
    """What to list. ``text`` is looked for in title and number; ``after`` is a keyset cursor."""

    repo_id: str | None = None
    statuses: tuple[str, ...] = ()
    label: str | None = None
    agent: str | None = None
    text: str | None = None
    after: tuple[float, str] | None = None
    limit: int = 100


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


def _queue() -> CTE:
    """Every queued job with its place, for lists: one pass over the queue."""
    return (
        select(
            jobs.c.id,
            func.row_number().over(order_by=(jobs.c.priority.desc(), jobs.c.id)).label("place"),
        )
        .where(jobs.c.status == literal_column("'queued'"))
        .cte("queue")
    )


def _place_of_one() -> ColumnElement[Any]:
    """The place of one card's job: counted only when it waits, so that a long queue costs nothing
    to the others."""
    other = jobs.alias("other")
    ahead = (
        select(func.count())
        .select_from(other)
        .where(
            other.c.status == literal_column("'queued'"),
            or_(
                other.c.priority > jobs.c.priority,
                and_(other.c.priority == jobs.c.priority, other.c.id <= jobs.c.id),
            ),
        )
        .scalar_subquery()
    )
    return case((jobs.c.status == literal_column("'queued'"), ahead), else_=null())


def _summary(dialect: str, place: Any) -> ColumnElement[Any]:
    """A card's summary; ``place`` is its place in the queue."""
    j = _Json(dialect)
    live = j.object(
        job_id=jobs.c.id,
        job_status=jobs.c.status,
        phase=jobs.c.phase,
        last_action=jobs.c.last_action,
        queued_at=jobs.c.created_at,
        started_at=jobs.c.started_at,
        completed_at=jobs.c.completed_at,
        queue_position=place,
        attempt=jobs.c.attempt,
        agent=jobs.c.agent,
        cost_usd=j.number(jobs.c.usage, "cost_usd"),
        additions=cards.c.additions,
        deletions=cards.c.deletions,
        files=cards.c.files,
        mergeable=j.boolean(cards.c.mergeable),
        conflicts=j.embed(cards.c.conflicts),
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
        head_sha=cards.c.head_sha,
        merged_sha=cards.c.merged_sha,
        pr_url=cards.c.pr_url,
        job_id=cards.c.job_id,
        failure=case((cards.c.failure.is_(None), null()), else_=j.embed(cards.c.failure)),
        no_changes=j.boolean(cards.c.no_changes),
        stopping=j.boolean(
            and_(
                func.coalesce(jobs.c.cancel_requested, literal_column("false")),
                func.coalesce(jobs.c.status, "") == literal_column("'running'"),
            )
        ),
        live=case((jobs.c.id.is_(None), null()), else_=live),
        version=cards.c.version,
        created_at=cards.c.created_at,
        updated_at=cards.c.updated_at,
    )


@lru_cache(maxsize=2)
def _one_statement(dialect: str) -> Select[Any]:
    return (
        select(
            cast(_summary(dialect, _place_of_one()), Text).label("text"),
            cards.c.repo_id,
            cards.c.status,
            cards.c.version,
            cards.c.description,
            cards.c.agent_options,
        )
        .select_from(cards)
        .outerjoin(jobs, jobs.c.id == cards.c.job_id)
        .where(cards.c.id == bindparam("card_id"))
    )


@lru_cache(maxsize=256)
def _list_statement(dialect: str, conditions: frozenset[str]) -> Select[Any]:
    """``id, position, summary`` of the cards that meet these conditions, by position. There are few
    sets of conditions, and building so large a statement costs more than running it."""
    queue = _queue()
    return (
        select(
            cards.c.id,
            cards.c.position,
            cast(_summary(dialect, queue.c.place), Text).label("summary"),
        )
        .select_from(cards)
        .outerjoin(jobs, jobs.c.id == cards.c.job_id)
        .outerjoin(queue, queue.c.id == cards.c.job_id)
        .where(*(_condition(name, dialect) for name in sorted(conditions)))
        .order_by(cards.c.position, cards.c.id)
        .limit(bindparam("limit"))
    )


def _condition(name: str, dialect: str) -> ColumnElement[bool]:
    """The condition whose parameters `_parameters` gives under this name."""
    match name:
        case "repo_id":
            return cards.c.repo_id == bindparam("repo_id")
        case "statuses":
            return cards.c.status.in_(bindparam("statuses", expanding=True))
        case "agent":
            return cards.c.agent == bindparam("agent")
        case "label":
            return _has_label(dialect)
        case "text":
            return cards.c.title.icontains(bindparam("text"), escape=ESCAPE)
        case "number":
            in_title = cards.c.title.icontains(bindparam("text"), escape=ESCAPE)
            return or_(in_title, cards.c.number == bindparam("number"))
        case "after":
            position = bindparam("after", type_=cards.c.position.type)
            return or_(
                cards.c.position > position,
                and_(cards.c.position == position, cards.c.id > bindparam("after_id")),
            )
        case _:
            raise ValueError(name)


def _parameters(wanted: BoardFilter) -> tuple[frozenset[str], dict[str, Any]]:
    """The names of the conditions, and what they compare with."""
    names: set[str] = set()
    values: dict[str, Any] = {"limit": wanted.limit + 1}
    for name in ("repo_id", "statuses", "agent", "label"):
        if value := getattr(wanted, name):
            names.add(name)
            values[name] = value
    if wanted.text:
        values["text"] = _literally(wanted.text)
        number = wanted.text.removeprefix("#")
        if number.isdecimal() and len(number) < 10:
            names.add("number")
            values["number"] = int(number)
        else:
            names.add("text")
    if wanted.after is not None:
        names.add("after")
        values["after"], values["after_id"] = wanted.after
    return frozenset(names), values


def _literally(text: str) -> str:
    """So that LIKE finds these very characters."""
    for special in (ESCAPE, "%", "_"):
        text = text.replace(special, ESCAPE + special)
    return text


def _has_label(dialect: str) -> ColumnElement[bool]:
    if dialect == "postgresql":
        return cast(cards.c.labels, JSONB).contains(
            func.jsonb_build_array(bindparam("label", type_=Text))
        )
    each = func.json_each(cards.c.labels).table_valued("value")
    return select(each.c.value).where(each.c.value == bindparam("label")).exists()


def list_summaries(tx: Tx, wanted: BoardFilter) -> tuple[str, tuple[float, str] | None]:
    """The cards as one JSON array (text), by position, and where the next page begins."""
    conditions, parameters = _parameters(wanted)
    rows = tx.execute(_list_statement(tx.dialect, conditions), parameters).all()
    page = rows[: wanted.limit]
    last = page[-1] if len(rows) > wanted.limit else None
    text = "[" + ",".join([row.summary for row in page]) + "]"
    return text, (last.position, last.id) if last is not None else None


@dataclass(frozen=True)
class FullCard:
    """A card as the board shows it (``text``: its summary as JSON), and what only itself shows."""

    text: str
    repo_id: str
    status: str
    version: int
    description: str
    agent_options: dict[str, Any]

    @cached_property
    def summary(self) -> dict[str, Any]:
        """The card as the board shows it."""
        decoded: dict[str, Any] = json.loads(self.text)
        return decoded

    @property
    def view(self) -> dict[str, Any]:
        """Everything in one."""
        return {**self.summary, **self._further}

    @property
    def json(self) -> bytes:
        """`view` as JSON, without decoding the summary."""
        further = json.dumps(self._further, ensure_ascii=False, separators=(",", ":"))
        return f"{self.text[:-1]},{further[1:]}".encode()

    @property
    def _further(self) -> dict[str, Any]:
        return {"description": self.description, "agent_options": self.agent_options}


def full_card(tx: Tx, card_id: str) -> FullCard:
    """One card in full, or `NotFound`."""
    row = tx.execute(_one_statement(tx.dialect), {"card_id": card_id}).one_or_none()
    if row is None:
        raise NotFound(f"There is no card {card_id}. It may have been deleted.")
    return FullCard(**row._mapping)


def card_summary(tx: Tx, card_id: str) -> dict[str, Any]:
    """One card as the board shows it, or `NotFound`."""
    return full_card(tx, card_id).summary
