"""The writer and the readers: what is acknowledged is committed, and nothing else is (R5, R6, R11)."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import (
    URL,
    create_engine,
    event,
    insert,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy.exc import DBAPIError

from factories.moments import FrozenClock
from lazyaf.domain.errors import Conflict, Invalid, Unavailable
from lazyaf.domain.events import SERVER, EventType, NewEvent
from lazyaf.store.database import SqlDatabase
from lazyaf.store.events import events_after, last_event_id
from lazyaf.store.settings import get_setting, put_setting
from lazyaf.store.tables import settings, tokens
from lazyaf.store.tx import Tx
from support.at_once import at_once
from support.notes import note


def keys(tx: Tx) -> set[str]:
    return {row.key for row in tx.execute(select(settings.c.key))}


@pytest.mark.parametrize("raised", [StopIteration(), SystemExit(1), KeyboardInterrupt()])
async def test_whatever_a_function_raises_the_writer_lives(
    db: SqlDatabase, raised: BaseException
) -> None:
    def fail(_tx: Tx) -> None:
        raise raised

    failed = asyncio.ensure_future(db.write(fail))
    beside = await db.write(note, "beside")
    with pytest.raises(RuntimeError, match=type(raised).__name__):
        await failed
    assert await db.read(keys) == {beside}


def note_all(tx: Tx, items: Sequence[tuple[str, str]]) -> list[str | Exception]:
    """`note` for those who wait together; one may be refused, and one spoils it for all."""
    answers: list[str | Exception] = []
    for key, fail in items:
        if fail == "refused":
            answers.append(Conflict(key))
            continue
        answers.append(note(tx, key, fail=fail))
        put_setting(tx, f"{key} beside", len(items))
    return answers


def note_others(tx: Tx, items: Sequence[tuple[str, str]]) -> list[str | Exception]:
    """Another function, which is run for itself."""
    return note_all(tx, items)


async def test_those_who_wait_with_one_function_are_handed_to_it_together(db: SqlDatabase) -> None:
    answers = await at_once(
        db,
        db.write_together(note_all, ("a", "")),
        db.write_together(note_others, ("b", "")),
        db.write_together(note_all, ("c", "refused")),
        db.write(note, "d"),
        db.write_together(note_all, ("e", "")),
    )
    assert [str(answer) for answer in answers] == ["a", "b", "c", "d", "e"]
    assert isinstance(answers[2], Conflict)
    together = {key: await db.read(get_setting, f"{key} beside") for key in "abce"}
    assert together == {"a": 3, "b": 1, "c": None, "e": 3}
    told = [event.subject for event in await db.read(events_after, 0, 100)]
    assert told == ["a", "e", "b", "d"]


@pytest.mark.parametrize("fail", ["before", "after", "constraint"])
@pytest.mark.parametrize("place", [0, 2])
async def test_one_that_fails_among_them_fails_alone(
    db: SqlDatabase, fail: str, place: int
) -> None:
    works = [
        db.write_together(note_all, ("a", "")),
        db.write(note, "beside"),
        db.write_together(note_all, ("c", "")),
    ]
    works.insert(place, db.write_together(note_all, ("bad", fail)))
    answers = await at_once(db, *works)
    bad = answers.pop(place)
    assert isinstance(bad, Conflict if fail != "constraint" else DBAPIError)
    assert answers == ["a", "beside", "c"]
    assert await db.read(keys) == {"a", "a beside", "beside", "c", "c beside"}
    told = [event.subject for event in await db.read(events_after, 0, 100)]
    assert told == ["a", "beside", "c"]


async def test_nobody_is_told_what_another_did_wrong_when_the_database_goes_away_meanwhile(
    db: SqlDatabase,
) -> None:
    def be_away(_connection: object) -> None:
        raise Unavailable("The database is gone.")

    def spoil(_tx: Tx, items: Sequence[str]) -> Sequence[str]:
        if len(items) > 1:
            event.listen(db._writer_engine, "begin", be_away, once=True)
            raise Conflict("One of them did this.")
        return items

    works = [db.write_together(spoil, name) for name in ("first", "second")]
    away, done = await at_once(db, *works)
    assert isinstance(away, Unavailable)
    assert done == "second"


async def test_what_is_acknowledged_is_what_stands_in_the_table(db: SqlDatabase) -> None:
    kinds = ["", "", "", "before", "", "", "", "", "after", "", "", "", "", "", "", "constraint"]
    amount = 8_000 if "sqlite" in str(db._writer_engine.url) else 2_000
    wanted = [(f"k{i:05}", kinds[i % len(kinds)]) for i in range(amount)]
    answers = await asyncio.gather(
        *(db.write(note, key, fail=fail) for key, fail in wanted), return_exceptions=True
    )
    acknowledged = {answer for answer in answers if isinstance(answer, str)}
    assert acknowledged == {key for key, fail in wanted if not fail}
    assert await db.read(keys) == acknowledged
    for (key, fail), answer in zip(wanted, answers, strict=True):
        if fail in ("before", "after"):
            assert isinstance(answer, Conflict)
            assert answer.detail == key
        elif fail == "constraint":
            assert isinstance(answer, DBAPIError)
    subjects = [row.subject for row in await db.read(events_after, 0, amount)]
    assert sorted(subjects) == sorted(acknowledged)


async def test_a_failure_of_one_costs_its_neighbours_nothing(db: SqlDatabase) -> None:
    """Whatever way a function fails, those of its batch that wrote before and after it stand."""
    release = await hold_writer(db)
    fails = ["", "after", "", "constraint", "", "statement", ""]
    waiting = [
        asyncio.ensure_future(db.write(_stumble if fail == "statement" else note, f"k{i}", **kind))
        for i, fail in enumerate(fails)
        for kind in [{} if fail == "statement" else {"fail": fail}]
    ]
    await asyncio.sleep(0)
    release.set()
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    good = {answer for answer in answers if isinstance(answer, str)}
    assert good == {f"k{i}" for i, fail in enumerate(fails) if not fail}
    assert await db.read(keys) == good


def _stumble(tx: Tx, key: str) -> str:
    """Fails in the database without having written: on PostgreSQL that spoils the transaction."""
    tx.execute(select(literal_column("nowhere")))
    return key


async def hold_writer(db: SqlDatabase) -> threading.Event:
    """Keep the writer busy until the event is set, so that what comes now is one batch."""
    release, held = threading.Event(), threading.Event()

    def wait(_tx: Tx) -> None:
        held.set()
        release.wait(20)

    asyncio.ensure_future(db.write(wait))  # noqa: RUF006 - it ends with the test's database
    await asyncio.to_thread(held.wait, 20)
    return release


async def test_a_function_that_spoilt_its_batch_is_run_again_from_the_start(
    db: SqlDatabase,
) -> None:
    runs: list[str] = []

    def counted(tx: Tx, key: str, fail: str) -> str:
        runs.append(key)
        return note(tx, key, fail=fail)

    release = await hold_writer(db)
    waiting = [
        asyncio.ensure_future(db.write(counted, key, fail))
        for key, fail in (("a", ""), ("b", "after"), ("c", ""))
    ]
    await asyncio.sleep(0)
    release.set()
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(answer) for answer in answers] == [str, Conflict, str]
    assert runs.count("a") == runs.count("b") == 2
    assert len(await db.read(events_after, 0, 10)) == 2


async def test_a_commit_that_fails_is_everyones_error(database_url: URL, db: SqlDatabase) -> None:
    """R5: a constraint that is checked at COMMIT; nobody is told that it went well."""
    make_deferred_constraint(database_url)
    told: list[Sequence[NewEvent]] = []
    db.on_commit.append(told.append)

    def orphan(tx: Tx) -> str:
        put_setting(tx, "orphan", 1)
        tx.emit(NewEvent(EventType.SETTINGS_UPDATED, "orphan", SERVER))
        tx.execute(text("INSERT INTO child (parent) VALUES (42)"))
        return "done"

    with pytest.raises(DBAPIError):
        await db.write(orphan)
    assert told == []
    assert await db.read(keys) == set()
    assert await db.read(last_event_id) == 0
    release = await hold_writer(db)
    both = [asyncio.ensure_future(db.write(orphan)), asyncio.ensure_future(db.write(note, "good"))]
    await asyncio.sleep(0)
    release.set()
    answers = await asyncio.gather(*both, return_exceptions=True)
    assert isinstance(answers[0], DBAPIError)
    assert answers[1] == "good"
    assert await db.read(keys) == {"good"}


def make_deferred_constraint(url: URL) -> None:
    engine = create_engine(url)
    with engine.begin() as conn:
        conn.execute(text("CREATE TABLE parent (id INTEGER PRIMARY KEY)"))
        conn.execute(
            text(
                "CREATE TABLE child (parent INTEGER REFERENCES parent (id) "
                "DEFERRABLE INITIALLY DEFERRED)"
            )
        )
    engine.dispose()


async def test_increments_of_sixteen_writers_are_all_kept(db: SqlDatabase) -> None:
    """R6: the driver's own way of beginning transactions lost 600 of 640."""
    await db.write(put_setting, "n", 0)

    def increment(tx: Tx) -> None:
        put_setting(tx, "n", get_setting(tx, "n") + 1)

    async def forty() -> None:
        for _ in range(40):
            await db.write(increment)

    await asyncio.gather(*(forty() for _ in range(16)))
    assert await db.read(get_setting, "n") == 640


@pytest.mark.parametrize("dialect", ["sqlite"])
async def test_two_processes_lose_no_increment(
    database_url: URL, db: SqlDatabase, clock: FrozenClock
) -> None:
    """`lazyaf backup` and friends open the database too: the write lock is taken at BEGIN."""
    other = SqlDatabase(database_url, clock)
    other.start()
    await db.write(put_setting, "n", 0)

    def increment(tx: Tx) -> None:
        put_setting(tx, "n", get_setting(tx, "n") + 1)

    await asyncio.gather(*(d.write(increment) for _ in range(50) for d in (db, other)))
    assert await db.read(get_setting, "n") == 100
    await asyncio.to_thread(other.close)


async def test_readers_cannot_write(db: SqlDatabase) -> None:
    with pytest.raises(DBAPIError):
        await db.read(put_setting, "n", 1)
    assert await db.read(keys) == set()


async def test_a_reader_sees_one_moment(db: SqlDatabase) -> None:
    """A snapshot carries a cursor read before its data: both must be of one transaction (R11)."""
    looked, written = threading.Event(), threading.Event()

    def twice(tx: Tx) -> tuple[set[str], set[str]]:
        first = keys(tx)
        looked.set()
        written.wait(20)
        return first, keys(tx)

    reading = asyncio.ensure_future(db.read(twice))
    await asyncio.to_thread(looked.wait, 20)
    await db.write(note, "new")
    written.set()
    assert await reading == (set(), set())
    assert await db.read(keys) == {"new"}


@pytest.mark.parametrize("dialect", ["sqlite"])
async def test_sqlite_is_opened_by_the_recipe(db: SqlDatabase) -> None:

    def pragmas(tx: Tx) -> dict[str, Any]:
        names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "query_only")
        return {n: tx.conn.exec_driver_sql(f"PRAGMA {n}").scalar() for n in names}

    common = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}
    assert await db.write(pragmas) == {**common, "query_only": 0}
    assert await db.read(pragmas) == {**common, "query_only": 1}


# Ends


async def test_a_caller_who_leaves_stops_no_write(db: SqlDatabase) -> None:
    release = await hold_writer(db)
    leaving = asyncio.ensure_future(db.write(note, "kept"))
    await asyncio.sleep(0)
    leaving.cancel()
    release.set()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    await db.write(note, "next")
    assert await db.read(keys) == {"kept", "next"}


async def test_closing_finishes_what_is_queued_and_refuses_the_rest(
    database_url: URL, clock: FrozenClock
) -> None:
    db = SqlDatabase(database_url, clock)
    db.start()
    release = await hold_writer(db)
    queued = asyncio.ensure_future(db.write(note, "queued"))
    await asyncio.sleep(0)
    closing = asyncio.ensure_future(asyncio.to_thread(db.close))
    release.set()
    assert await queued == "queued"
    await closing
    with pytest.raises(Unavailable):
        await db.write(note, "late")


@pytest.mark.parametrize("dialect", ["postgresql"])
async def test_what_a_database_cannot_hold_is_the_callers_mistake(db: SqlDatabase) -> None:
    """PostgreSQL takes no NUL and no text that is too long; nobody gets a 500 for that."""
    row = {"id": "1", "kind": "person", "name": "a\0b", "hash": "h", "created_at": "now"}
    with pytest.raises(Invalid):
        await db.write(lambda tx: tx.execute(insert(tokens), row))
    with pytest.raises(Invalid):
        await db.write(lambda tx: tx.execute(insert(tokens), {**row, "name": "a" * 200}))
    with pytest.raises(Invalid):
        await db.read(lambda tx: tx.execute(select(tokens).where(tokens.c.name == "a\0")))


async def test_on_conflict_updates(db: SqlDatabase) -> None:
    await db.write(put_setting, "n", {"a": 1})
    await db.write(put_setting, "n", {"a": 2})
    assert await db.read(get_setting, "n") == {"a": 2}
    assert await db.read(get_setting, "missing", "default") == "default"


async def test_a_row_count_of_a_writing_statement_marks_the_transaction(db: SqlDatabase) -> None:
    def look(tx: Tx) -> tuple[bool, bool]:
        get_setting(tx, "n")
        clean = tx.is_dirty
        tx.execute(update(settings).values(value=1))
        return clean, tx.is_dirty

    assert await db.write(look) == (False, True)
