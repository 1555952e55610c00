"""The outbox: durable, ordered, bounded, redacted."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lazyaf.protocol.entries import Entry, EntryKind
from lazyaf.runner import outbox
from lazyaf.runner.outbox import Outbox
from lazyaf.runner.redaction import Redactor
from lazyaf.runner.spool import COMPACT_AT


def out(text: str, kind: EntryKind = EntryKind.STDOUT) -> Entry:
    return Entry(at="2026-01-01T00:00:00.000Z", kind=kind, text=text)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox" / "job-1.jsonl"


Open = Callable[..., Outbox]


@pytest.fixture
def opened() -> Iterator[Open]:
    """Makes outboxes and closes them."""
    with contextlib.ExitStack() as stack:

        def opened(path: Path, *secrets: str, limit: int = 1 << 30) -> Outbox:
            box = Outbox(path, Redactor(secrets), limit=limit)
            stack.callback(box.close)
            return box

        yield opened


def texts(seen: list[tuple[int, Entry]]) -> list[str]:
    return [entry.text for _, entry in seen]


def drained(box: Outbox) -> list[tuple[int, Entry]]:
    """Everything, batch by batch, as a server that stores it all would see it."""
    seen: list[tuple[int, Entry]] = []
    while box.unsent:
        first, entries = box.batch()
        seen += enumerate(entries, first)
        box.acknowledge(first + len(entries) - 1)
    return seen


def test_entries_are_on_disk_before_they_are_sent(opened: Open, path: Path) -> None:
    box = opened(path)
    box.append([out("one"), out("two")])

    assert b"one" in path.read_bytes()
    assert box.batch() == (1, [out("one"), out("two")])
    assert box.grew.is_set()


def test_a_batch_begins_after_what_is_stored(opened: Open, path: Path) -> None:
    box = opened(path)
    box.append([out(str(n)) for n in range(1200)])
    first, entries = box.batch()
    box.acknowledge(first + len(entries) - 1)

    assert (first, len(entries)) == (1, 500)
    assert box.batch()[0] == 501
    assert box.unsent == 700


def test_a_batch_is_bounded_in_bytes_but_never_empty(opened: Open, path: Path) -> None:
    box = opened(path)
    box.append([out("x" * 250_000) for _ in range(10)])
    assert len(box.batch()[1]) == 4

    other = opened(path.with_name("other"))
    other.append([out("x" * 262_144), *[out("é" * 262_144)] * 3, out("y")])
    assert [text for _, e in drained(other) for text in e.text[0]] == ["x", "é", "é", "é", "y"]


def test_another_process_finds_everything_and_drops_a_torn_line(opened: Open, path: Path) -> None:
    box = opened(path)
    box.append([out("one"), out("two")])
    box.close()
    with path.open("ab") as file:
        file.write(b'{"at": "2026')
    again = opened(path)
    again.append([out("three")])

    assert again.batch() == (1, [out("one"), out("two"), out("three")])
    assert again.last == 3


@pytest.mark.parametrize("left", [b"", b"{", b"[]\n{}\n", b"\0\0\0\0"], ids=repr)
def test_a_file_that_makes_no_sense_is_begun_anew_and_it_says_so(
    opened: Open, path: Path, left: bytes
) -> None:
    path.parent.mkdir()
    path.write_bytes(left)
    box = opened(path)
    box.append([out("one")])
    box.begin(40)  # the server has more than what can be read here

    seen = drained(box)
    assert [number for number, _ in seen] == [41, 42]
    assert "cannot be read" in seen[0][1].text
    assert seen[1][1].text == "one"
    assert texts(drained(opened(path))) == texts(seen), "the next process finds it"


def test_a_line_that_makes_no_sense_keeps_its_number(opened: Open, path: Path) -> None:
    box = opened(path)
    box.append([out("one"), out("two"), out("three")])
    box.close()
    path.write_bytes(path.read_bytes().replace(b"two", b"\xff\r\0"))

    assert texts(drained(opened(path))) == [
        "one",
        "This entry was stored once and is lost.",
        "three",
    ]


def test_what_the_server_has_beyond_the_file_is_not_numbered_again(
    opened: Open, path: Path
) -> None:
    """A power cut may take the end of the file, and not what the server had got of it."""
    box = opened(path)
    box.append([out("one"), out("two")])
    box.close()
    again = opened(path)
    again.append([out("new")])
    again.begin(5)

    assert drained(again) == [(6, out("new"))]


def test_the_server_may_have_stored_more_or_less_than_is_known(opened: Open, path: Path) -> None:
    box = opened(path)
    box.append([out("one"), out("two"), out("three")])
    box.acknowledge(2)
    assert box.batch() == (3, [out("three")])
    box.acknowledge(0)
    assert box.batch()[0] == 1


def test_what_is_stored_is_cut_off_the_front(opened: Open, path: Path) -> None:
    box = opened(path)
    box.append([out("x" * 200_000) for _ in range(COMPACT_AT // 200_000 + 1)])
    box.append([out("last")])
    box.acknowledge(box.last - 1)

    assert path.stat().st_size < 1000
    assert box.batch() == (box.last, [out("last")])
    box.acknowledge(0)  # a server restored from a backup gets the numbers, not the words
    assert box.batch()[0] == 1
    assert "lost" in box.batch()[1][0].text


def test_a_full_outbox_summarises_output_and_keeps_what_the_agent_said(
    opened: Open, path: Path
) -> None:
    box = opened(path, limit=100_000)
    for n in range(200):
        box.append([out("x" * 1000), out("x" * 1000), out(f"said {n}", EntryKind.MESSAGE)])
    seen = drained(box)

    assert [e.text for _, e in seen if e.kind is EntryKind.MESSAGE] == [
        f"said {n}" for n in range(200)
    ]
    assert [number for number, _ in seen] == list(range(1, len(seen) + 1))
    assert any("left out while the server was away" in e.text for _, e in seen)
    assert seen[-2][1].text == "x" * 1000


def test_what_is_left_out_is_counted_however_often(opened: Open, path: Path) -> None:
    box = opened(path, limit=20_000)
    for _ in range(500):
        box.append([out("x" * 100)])

    left_out = [e.detail for _, e in drained(box) if e.name == "left_out"]
    kept = [e for _, e in drained(opened(path)) if e.name is None]
    assert [detail["lines"] + len(kept) for detail in left_out if detail] == [500]
    assert [detail["characters"] for detail in left_out if detail] == [(500 - len(kept)) * 100]


def test_what_may_not_be_left_out_is_not_looked_through_at_every_entry(
    opened: Open, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[int] = []

    def look(lines: list[bytes]) -> list[bytes]:
        looked.append(len(lines))
        return list(lines)

    monkeypatch.setattr(outbox, "without_output", look)
    box = opened(path, limit=10_000)
    for _ in range(300):
        box.append([out("x" * 1000, EntryKind.MESSAGE)])

    assert len(looked) <= 300 * 1100 / 10_000 * outbox.AGAIN


def test_what_was_sent_is_never_renumbered(opened: Open, path: Path) -> None:
    box = opened(path, limit=20_000)
    box.append([out(f"{n} " + "x" * 500) for n in range(20)])
    first, sent = box.batch()
    for n in range(100):
        box.append([out(f"later {n} " + "x" * 500)])

    assert box.batch(len(sent)) == (first, sent)


def test_nothing_secret_reaches_the_disk(opened: Open, path: Path) -> None:
    box = opened(path, "hunter2-hunter2")
    box.append([out("the password is hunter2-hunter2!")])

    assert b"hunter2" not in path.read_bytes()
    assert box.batch()[1][0].text == "the password is [redacted]!"


@given(st.lists(st.text(max_size=300), max_size=60), st.integers(1, 7))
def test_any_text_comes_back_in_order(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], most: int
) -> None:
    with contextlib.closing(Outbox(tmp_path_factory.mktemp("box") / "f", Redactor([]))) as box:
        box.append([out(text.encode("utf-8", "replace").decode()) for text in texts])
        seen: list[str] = []
        while box.unsent:
            first, entries = box.batch(most)
            seen += [entry.text for entry in entries]
            box.acknowledge(first + len(entries) - 1)

    assert seen == texts
