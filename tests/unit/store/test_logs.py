"""A log is cut into batches and read by cursor from either end, as if it were one list."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, event

from lazyaf.store.logs import (
    PAGE_BYTES,
    ROWS,
    NewEntries,
    encode_batch,
    entries_after,
    entries_before,
    insert_entries,
    log_bytes,
)
from lazyaf.store.tables import job_logs, jobs, metadata
from lazyaf.store.tx import Tx

lines = st.builds(
    lambda text, size: {"kind": "message", "text": text * size},
    st.text(max_size=20),
    st.integers(min_value=1, max_value=40),
)
batches = st.lists(st.lists(lines, min_size=1, max_size=8), max_size=4 * ROWS)


def _stored(tx: Tx, found: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Write the batches; the log as one list."""
    whole: list[dict[str, Any]] = []
    for batch in found:
        first = len(whole) + 1
        encoded = encode_batch(json.dumps(batch).encode())
        insert_entries(tx, [NewEntries("job", 1, len(whole), len(batch), *encoded, shown={})])
        whole += [{"seq": first + i, "attempt": 1, **entry} for i, entry in enumerate(batch)]
    return whole


engine = create_engine("sqlite://")
metadata.create_all(engine, tables=[jobs, job_logs])


@event.listens_for(engine, "connect")
def _without_foreign_keys(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA foreign_keys = OFF")


@settings(deadline=None)
@given(batches, st.integers(0, 70), st.integers(1, 70))
def test_pages_are_slices_of_the_whole(
    found: list[list[dict[str, Any]]], cursor: int, limit: int
) -> None:
    with engine.connect() as conn:
        tx = Tx(conn)
        whole = _stored(tx, found)
        after = [entry for entry in whole if entry["seq"] > cursor]
        before = [entry for entry in whole if entry["seq"] < cursor]
        assert entries_after(tx, "job", cursor, limit) == after[:limit]
        assert entries_before(tx, "job", cursor, limit) == before[-limit:]
        assert entries_after(tx, "another", 0, limit) == []


@settings(deadline=None)
@given(batches, st.integers(1, 9))
def test_following_the_cursor_reads_each_entry_once(
    found: list[list[dict[str, Any]]], limit: int
) -> None:
    with engine.connect() as conn:
        tx = Tx(conn)
        whole = _stored(tx, found)
        read: list[dict[str, Any]] = []
        while page := entries_after(tx, "job", read[-1]["seq"] if read else 0, limit):
            read += page
        assert read == whole
        back: list[dict[str, Any]] = []
        while page := entries_before(tx, "job", back[0]["seq"] if back else 10**9, limit):
            back = page + back
        assert back == whole


def test_a_page_of_large_entries_ends_early_and_the_next_goes_on() -> None:
    large = [[{"kind": "message", "text": "x" * (PAGE_BYTES // 4)}] for _ in range(10)]
    with engine.connect() as conn:
        tx = Tx(conn)
        whole = _stored(tx, large)
        assert entries_after(tx, "job", 2, 100) == whole[2:6]
        assert entries_before(tx, "job", 10, 100) == whole[5:9]
        huge = [[{"kind": "message", "text": "x" * (2 * PAGE_BYTES)}] for _ in range(2)]
    with engine.connect() as conn:
        tx = Tx(conn)
        whole = _stored(tx, huge)
        assert entries_after(tx, "job", 0, 100) == whole[:1]
        assert entries_before(tx, "job", 100, 100) == whole[1:]


def test_a_page_of_full_batches_takes_few_rows_from_the_database() -> None:
    """PostgreSQL's driver fetches all that is asked for."""
    asked: list[int] = []

    def hear(_conn: Any, _cursor: Any, _statement: str, parameters: Any, *_: Any) -> None:
        asked.append(parameters[-2])  # the limit; the last is the offset

    with engine.connect() as conn:
        tx = Tx(conn)
        whole = _stored(tx, [[{"text": "a"}] * 500] * 4 * ROWS)
        event.listen(engine, "before_cursor_execute", hear)
        try:
            assert entries_after(tx, "job", 0, 1000) == whole[:1000]
            assert entries_before(tx, "job", len(whole) + 1, 5000) == whole[-5000:]
        finally:
            event.remove(engine, "before_cursor_execute", hear)
    assert asked == [ROWS, ROWS, 2 * ROWS]


def test_long_batches_are_compressed_and_short_ones_are_not() -> None:
    assert encode_batch(b"[{}]") == ("raw", b"[{}]")
    codec, body = encode_batch(json.dumps([{"text": "again and again"}] * 1000).encode())
    assert codec == "zstd"
    assert len(body) < 500


def test_batches_of_earlier_versions_are_read_too() -> None:
    """They had each entry on a line of its own."""
    lines = b'{"text":"one\\ntwo"}\n{"text":"three"}'
    with engine.connect() as conn:
        tx = Tx(conn)
        insert_entries(tx, [NewEntries("old", 1, 0, 2, "raw", lines, shown={})])
        assert [entry["text"] for entry in entries_after(tx, "old", 0, 9)] == ["one\ntwo", "three"]


def test_the_size_of_a_log_is_what_it_takes() -> None:
    with engine.connect() as conn:
        tx = Tx(conn)
        assert log_bytes(tx, "job") == 0
        _stored(tx, [[{"text": "a"}]])
        assert log_bytes(tx, "job") == len('[{"text": "a"}]')
