"""Every commit that the database names and that work depends on: what must be in git beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import URL, Column, Select, Table, create_engine, inspect, or_, select

from lazyaf.store.tables import agent_sessions, cards, intents, jobs, repos
from lazyaf.store.tx import Tx


@dataclass(frozen=True, slots=True)
class NamedCommit:
    """``what`` says who names it, like ``the head of card #12``."""

    repo_id: str
    sha: str
    what: str


_COLUMNS: Final[tuple[tuple[Table, Column[str], str], ...]] = (
    (cards, cards.c.head_sha, "the head of card"),
    (cards, cards.c.merged_sha, "the merge of card"),
    (jobs, jobs.c.head_sha, "the last job of card"),
    (jobs, jobs.c.checkpoint_sha, "the checkpoint of card"),
    (intents, intents.c.old_sha, "what is just being changed of card"),
    (intents, intents.c.new_sha, "what is just being done for card"),
    (intents, intents.c.head_sha, "what is just being merged of card"),
    (agent_sessions, agent_sessions.c.sha, "the conversation of card"),
)


def named_commits(url: URL) -> list[NamedCommit]:
    """Each of them, once for everyone who names it; not of repositories that are being deleted.

    Of jobs only the one that a card is at or goes on from. A database of an older program, which has
    fewer tables, is read as well. Blocking.
    """
    engine = create_engine(url)
    try:
        there = set(inspect(engine).get_table_names())
        with engine.connect() as conn:
            return [
                NamedCommit(row.repo_id, row.sha, f"{what} #{row.number}")
                for table, column, what in _COLUMNS
                if table.name in there
                for row in conn.execute(_query(table, column))
            ]
    finally:
        engine.dispose()


def commits_named_in(tx: Tx, repo_id: str) -> set[str]:
    """The same of one repository, in a transaction: only the commits."""
    return {
        row.sha
        for table, column, _ in _COLUMNS
        for row in tx.execute(_query(table, column).where(cards.c.repo_id == repo_id))
    }


def _query(table: Table, column: Column[str]) -> Select[Any]:
    query = select(cards.c.repo_id, column.label("sha"), cards.c.number).where(
        column.is_not(None), repos.c.id == cards.c.repo_id, repos.c.is_deleting.is_(False)
    )
    if table is not cards:
        query = query.where(table.c.card_id == cards.c.id)
    if table is jobs:
        is_open = jobs.c.status.in_(("queued", "running"))
        query = query.where(or_(jobs.c.id == cards.c.job_id, is_open))
    return query
