"""The transaction that services are functions of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, CursorResult, Executable, Insert
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from lazyaf.domain.events import NewEvent

Parameters = Mapping[str, Any] | Sequence[Mapping[str, Any]]


class Tx:
    """One transaction: runs statements and collects the events they amount to.

    Services never commit. Events are written after everything else of the batch (rules.md R11), in
    the order in which they were emitted.
    """

    __slots__ = ("conn", "events", "is_dirty")

    def __init__(self, conn: Connection) -> None:
        self.conn = conn
        self.events: list[NewEvent] = []
        self.is_dirty = False

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self.conn.dialect.name

    def execute(
        self, statement: Executable, parameters: Parameters | None = None
    ) -> CursorResult[Any]:
        """Run one statement; a writing one marks the transaction dirty."""
        if not getattr(statement, "is_select", False):
            self.is_dirty = True
        return self.conn.execute(statement, parameters)

    def insert_on_conflict(self, table: Any) -> Any:
        """An INSERT of this dialect, which knows ``on_conflict_do_update``."""
        maker: Any = postgresql_insert if self.dialect == "postgresql" else sqlite_insert
        statement: Insert = maker(table)
        return statement

    def emit(self, event: NewEvent) -> None:
        """Record a fact; its row is written with this transaction."""
        self.events.append(event)
