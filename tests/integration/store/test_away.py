"""A database that goes away: everybody is told, nobody is told wrongly, and it is used again when it is back."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Sequence

import pytest
from sqlalchemy import URL, create_engine, insert, select, text

from factories.moments import FrozenClock
from lazyaf.domain.errors import Conflict, DiskFull, Unavailable
from lazyaf.domain.events import SERVER, EventType, NewEvent
from lazyaf.store import engine
from lazyaf.store.database import SqlDatabase
from lazyaf.store.tables import settings
from lazyaf.store.tx import Tx


def note(tx: Tx, key: str) -> str:
    tx.execute(insert(settings), {"key": key, "value": 1})
    tx.emit(NewEvent(EventType.SETTINGS_UPDATED, key, SERVER))
    return key


def keys(tx: Tx) -> set[str]:
    return {row.key for row in tx.execute(select(settings.c.key))}


def go_away(tx: Tx, key: str) -> None:
    """What a write meets whose database cannot take it: no server, or a disk that is read only."""
    note(tx, key)
    if tx.dialect == "postgresql":
        tx.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
    tx.execute(text("PRAGMA query_only = ON"))
    try:
        note(tx, f"{key} again")
    finally:
        tx.execute(text("PRAGMA query_only = OFF"))


def fill_up(tx: Tx) -> None:
    """What a write meets whose disk is full."""
    if tx.dialect == "postgresql":
        tx.execute(text("DO $$ BEGIN RAISE 'no space' USING ERRCODE = 'disk_full'; END $$"))
    tx.execute(text("PRAGMA max_page_count = 1"))  # as few as there are
    try:
        tx.execute(insert(settings), {"key": "large", "value": "x" * 10**6})
    finally:
        tx.execute(text("PRAGMA max_page_count = 1073741823"))


def refuse(_tx: Tx) -> None:
    raise Conflict("This is an answer, whatever becomes of the others.")


async def test_a_full_disk_is_called_so(db: SqlDatabase) -> None:
    with pytest.raises(DiskFull, match="Make room"):
        await db.write(fill_up)
    assert await db.write(note, "after") == "after"


async def test_of_a_batch_that_was_cut_off_nobody_is_told_that_it_is_done(db: SqlDatabase) -> None:
    gate, begun = threading.Event(), threading.Event()

    def hold_up(_tx: Tx) -> None:
        begun.set()
        gate.wait(20)

    first = asyncio.ensure_future(db.write(hold_up))
    await asyncio.to_thread(begun.wait, 20)
    works = [
        asyncio.ensure_future(work)
        for work in (
            db.write(note, "before"),
            db.write(refuse),
            db.write(go_away, "cut off"),
            db.write(note, "after"),
        )
    ]
    await asyncio.sleep(0)  # they stand in the writer's queue together
    gate.set()
    await first
    answers = await asyncio.gather(*works, return_exceptions=True)
    assert [type(answer) for answer in answers] == [Unavailable, Conflict, Unavailable, Unavailable]
    assert await db.read(keys) == set()
    assert await db.write(note, "back") == "back"
    assert await db.read(keys) == {"back"}


@pytest.mark.parametrize("dialect", ["postgresql"])
async def test_a_reader_whose_server_went_away_says_so_and_the_next_one_reads(
    db: SqlDatabase,
) -> None:
    def cut_off(tx: Tx) -> None:
        tx.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    with pytest.raises(Unavailable, match="does not answer"):
        await db.read(cut_off)
    assert await db.read(keys) == set()


def end_all_others(url: URL) -> None:
    """The database's server lets go of every connection but this one."""
    others = create_engine(url)
    with others.begin() as conn:
        conn.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    others.dispose()


@pytest.mark.parametrize("dialect", ["postgresql"])
async def test_a_connection_that_went_while_nobody_used_it_is_not_noticed(
    db: SqlDatabase, database_url: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "IDLE_S", 0.0)
    await db.write(note, "before")
    await db.read(keys)
    await asyncio.to_thread(end_all_others, database_url)
    assert await db.write(note, "after") == "after"
    assert await db.read(keys) == {"before", "after"}


@pytest.mark.parametrize("dialect", ["postgresql"])
async def test_a_connection_that_was_used_a_moment_ago_is_not_asked_whether_it_lives(
    db: SqlDatabase, database_url: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "IDLE_S", 60.0)
    asked: list[object] = []
    for each in (db._writer_engine, db._reader_engine):
        monkeypatch.setattr(each.dialect, "do_ping", asked.append)
    await db.write(note, "before")
    await db.write(note, "at once")
    await db.read(keys)
    assert asked == []
    await asyncio.to_thread(end_all_others, database_url)
    with pytest.raises(Unavailable, match="does not answer"):
        await db.write(note, "cut off")
    assert await db.write(note, "after") == "after"


@pytest.mark.parametrize("dialect", ["postgresql"])
async def test_what_may_have_been_committed_is_announced_all_the_same(db: SqlDatabase) -> None:
    """A waiting runner and a kept list must hear of it: the answer to the COMMIT was lost, not the COMMIT."""
    heard: list[str] = []
    db.on_commit.append(lambda events: heard.extend(event.subject for event in events))
    dialect = db._writer_engine.dialect
    real = dialect.do_commit

    def lose_the_answer(connection: object) -> None:
        real(connection)
        dialect.do_commit = real
        raise dialect.loaded_dbapi.OperationalError("the connection broke")

    dialect.do_commit = lose_the_answer
    with pytest.raises(Unavailable, match="does not answer"):
        await db.write(note, "in doubt")
    assert heard == ["in doubt"]
    assert await db.read(keys) == {"in doubt"}


@pytest.mark.parametrize("dialect", ["postgresql"])
async def test_only_one_server_writes_to_a_database(database_url: URL) -> None:
    ours, others = (SqlDatabase(database_url, FrozenClock()) for _ in range(2))

    async def closed(databases: Sequence[SqlDatabase]) -> None:
        await asyncio.gather(*(asyncio.to_thread(db.close) for db in databases))

    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(closed, (ours, others))
        for db in (ours, others):
            db.start()
        await ours.write(note, "ours")
        with pytest.raises(Unavailable, match="Another LazyAF server"):
            await others.write(note, "theirs")
        assert await others.read(keys) == {"ours"}
        with pytest.raises(Unavailable):
            await ours.write(go_away, "cut off")
        assert await ours.write(note, "still ours") == "still ours"
