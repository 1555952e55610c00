"""Lists of cards for the board: filters, pages, and only the summaries that changed made anew.

A summary depends on the card and its job, and both have a version: after a change one card of a
thousand is made again, not all. Where a queued card stands is put into its summary at each reading.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import (
    ColumnElement,
    Engine,
    Select,
    Text,
    and_,
    bindparam,
    cast,
    func,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB

from lazyaf.domain.cards import Archived
from lazyaf.domain.jobs import JobStatus
from lazyaf.store.board import summary_of, with_standing
from lazyaf.store.queue import QUEUED_COLUMNS, standings
from lazyaf.store.tables import cards, jobs
from lazyaf.store.tx import Tx

Stamp = tuple[int, str | None, int | None]
"""Versions of a card, and its job's id and version."""

ESCAPE = "\\"
"""Makes ``%`` and ``_`` ordinary in a LIKE."""


@dataclass(frozen=True, slots=True)
class BoardFilter:
    """What to list, of every repository when none is named. ``text`` is looked for in title and number;
    ``after`` is a keyset cursor."""

    repo_id: str | None = None
    statuses: tuple[str, ...] = ()
    label: str | None = None
    agent: str | None = None
    text: str | None = None
    archived: Archived = Archived.EXCLUDE
    after: tuple[float, str] | None = None
    limit: int = 100


@lru_cache(maxsize=256)
def _page_statement(dialect: str, conditions: frozenset[str]) -> Select[Any]:
    """What tells one state of a card's summary from another, for the cards that meet these conditions,
    by position. There are few sets of conditions, and building a statement costs more than running it."""
    return (
        select(
            cards.c.id,
            cards.c.version,
            cards.c.job_id,
            jobs.c.version.label("job_version"),
            cards.c.position,
            cards.c.repo_id,
            *QUEUED_COLUMNS,
        )
        .select_from(cards)
        .outerjoin(jobs, jobs.c.id == cards.c.job_id)
        .where(*(_condition(name, dialect) for name in sorted(conditions)))
        .order_by(cards.c.position, cards.c.id)
        .limit(bindparam("limit"))
    )


@lru_cache(maxsize=2)
def _summaries_statement(dialect: str) -> Select[Any]:
    return (
        select(cards.c.id, cast(summary_of(dialect), Text).label("summary"))
        .select_from(cards)
        .outerjoin(jobs, jobs.c.id == cards.c.job_id)
        .where(cards.c.id.in_(bindparam("ids", expanding=True)))
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
        case Archived.EXCLUDE:
            return cards.c.archived_at.is_(None)
        case Archived.ONLY:
            return cards.c.archived_at.is_not(None)
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
    if wanted.archived is not Archived.INCLUDE:
        names.add(wanted.archived)
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


class Summaries:
    """The summaries made lately, by the versions of what they were made of. Safe between threads: an
    entry is replaced whole, and a lost one is made again."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._texts: dict[str, tuple[Stamp, str]] = {}

    def of(self, tx: Tx, rows: Sequence[Sequence[Any]]) -> list[str]:
        """The summary of each row of a page, made in the same transaction where it is not known."""
        texts: list[str] = []
        missing: dict[str, int] = {}
        for index, row in enumerate(rows):
            entry = self._texts.get(row[0])
            if entry is None or entry[0] != row[1:4]:  # its `Stamp`
                missing[row[0]] = index
                texts.append("")
            else:
                texts.append(entry[1])
        if missing:
            if len(self._texts) + len(missing) > self._size:
                self._texts = {}
            found = tx.execute(_summaries_statement(tx.dialect), {"ids": list(missing)})
            for row in found:
                index = missing[row.id]
                texts[index] = row.summary
                self._texts[row.id] = tuple(rows[index][1:4]), row.summary
        return texts


_summaries: WeakKeyDictionary[Engine, Summaries] = WeakKeyDictionary()
"""One for each database that this process reads."""


def list_summaries(tx: Tx, wanted: BoardFilter) -> tuple[str, tuple[float, str] | None]:
    """The cards as one JSON array (text), by position, and where the next page begins."""
    conditions, parameters = _parameters(wanted)
    rows = tx.execute(_page_statement(tx.dialect, conditions), parameters).all()
    page = rows[: wanted.limit]
    last = page[-1] if len(rows) > wanted.limit else None
    known = _summaries.setdefault(tx.conn.engine, Summaries(20_000))
    text = "[" + ",".join(_standing(tx, page, known.of(tx, page))) + "]"
    return text, (last.position, last.id) if last is not None else None


def _standing(tx: Tx, page: Sequence[Any], texts: list[str]) -> list[str]:
    """The summaries of a page, those of queued cards with where they stand."""
    found = standings(tx, [row for row in page if row.job_status == JobStatus.QUEUED])
    return [
        with_standing(text, tx.dialect, found[row.job_id]) if row.job_id in found else text
        for row, text in zip(page, texts, strict=True)
    ]
