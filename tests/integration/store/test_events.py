"""Events of the writer's commits: last in their transaction, in order, heard of, numbered and trimmed (R11)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import event

from factories.moments import FrozenClock
from lazyaf.domain.errors import Conflict
from lazyaf.domain.events import NewEvent
from lazyaf.store.database import SqlDatabase
from lazyaf.store.events import events_after, last_event_id, trim_events
from lazyaf.store.tables import events
from lazyaf.store.tx import Tx
from support.at_once import at_once
from support.notes import note


async def test_events_are_inserted_last_in_the_order_of_their_emission(db: SqlDatabase) -> None:
    statements: list[str] = []

    @event.listens_for(db._writer_engine, "before_cursor_execute")
    def _heard(_c: Any, _cur: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    subjects = [f"k{i}" for i in range(5)]
    assert await at_once(db, *(db.write(note, each) for each in subjects)) == subjects
    writes = [s for s in statements if s.lstrip().upper().startswith("INSERT")]
    about_events = [i for i, s in enumerate(writes) if "INTO events" in s]
    assert about_events
    # After the last event of a batch nothing is written but another batch.
    assert about_events[-1] == len(writes) - 1
    rows = await db.read(events_after, 0, 10)
    assert [row.subject for row in rows] == subjects
    assert [row.id for row in rows] == sorted(row.id for row in rows)
    if db._writer_engine.dialect.name == "postgresql":
        locks = [i for i, s in enumerate(statements) if "pg_advisory_xact_lock" in s]
        inserts = [i for i, s in enumerate(statements) if "INTO events" in s]
        assert [i + 1 for i in locks] == inserts


async def test_listeners_hear_of_a_commit_before_its_callers(db: SqlDatabase) -> None:
    heard: list[str] = []
    db.on_commit.append(lambda new: heard.extend(e.subject for e in new))
    assert await db.write(note, "a") in heard
    with pytest.raises(Conflict):
        await db.write(note, "b", fail="after")
    assert heard == ["a"]


async def test_a_listener_that_stumbles_keeps_nobody_waiting(db: SqlDatabase) -> None:
    def stumble(_new: Sequence[NewEvent]) -> None:
        raise RuntimeError("a bug in a listener")

    db.on_commit.append(stumble)
    complaints: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, ctx: complaints.append(ctx))
    assert await asyncio.wait_for(db.write(note, "a"), 20) == "a"
    assert len(complaints) == 1


async def test_numbers_of_events_are_never_given_twice(db: SqlDatabase) -> None:
    await db.write(note, "a")
    last = await db.read(last_event_id)

    def forget(tx: Tx) -> None:
        tx.execute(events.delete())

    await db.write(forget)
    await db.write(note, "b")
    assert await db.read(last_event_id) > last


async def test_trimming_keeps_the_newest_event(db: SqlDatabase, clock: FrozenClock) -> None:
    await db.write(note, "old")
    clock.advance(100)
    await db.write(note, "older")
    clock.advance(100)
    assert await db.write(trim_events, clock.now()) == 1
    assert [row.subject for row in await db.read(events_after, 0, 10)] == ["older"]
