"""The outbox of a runner whose disk is full, now and then."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import resource
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from structlog.testing import capture_logs

from lazyaf.protocol.entries import Entry, EntryKind
from lazyaf.runner import spool
from lazyaf.runner.outbox import Outbox
from lazyaf.runner.redaction import Redactor


def said(text: str, kind: EntryKind = EntryKind.MESSAGE) -> Entry:
    return Entry(at="2026-01-01T00:00:00.000Z", kind=kind, text=text)


@contextlib.contextmanager
def no_file_above(size: int) -> Iterator[None]:
    """The kernel itself refuses to let files grow, after it has written what fits."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with capture_logs():  # pytest keeps what is printed in a file
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_what_the_disk_refuses_is_kept_and_goes_there_later(tmp_path: Path) -> None:
    path = tmp_path / "outbox" / "job-1.jsonl"
    with contextlib.closing(Outbox(path, Redactor([]))) as box:
        box.append([said("one")])
        size = path.stat().st_size
        with no_file_above(size + 30):  # a torn line would be written, if nobody took it back
            box.append([said("two"), said("three")])
            box.append([said("four")])
            assert path.stat().st_size == size
            first, entries = box.batch()
            assert (first, [e.text for e in entries][:1]) == (1, ["one"])
            box.acknowledge(1)
            held = [e.text for e in box.batch()[1]]
        assert held[:2] == ["two", "three"]
        assert "disk takes no more" in held[2]
        assert held[3:] == ["four"]
        box.append([said("x" * spool.RETRY_BYTES)])

    with contextlib.closing(Outbox(path, Redactor([]))) as again:
        texts = [e.text for e in again.batch()[1]]
    assert [texts[0], texts[1], texts[3], texts[4][0]] == ["two", "three", "four", "x"]


def test_an_outbox_can_begin_on_a_full_disk(tmp_path: Path) -> None:
    path = tmp_path / "outbox" / "job-1.jsonl"
    with no_file_above(0):
        box = Outbox(path, Redactor([]))
        box.append([said("one")])
        box.begin(0)
        texts = [e.text for e in box.batch()[1]]
        box.acknowledge(2)
    assert "disk takes no more" in texts[0]
    assert texts[1] == "one"
    box.append([said("two")])
    box.acknowledge(2)
    box.close()

    with contextlib.closing(Outbox(path, Redactor([]))) as again:
        assert again.batch() == (3, [said("two")])


class Disk:
    """Writes, as the kernel does: a part of what does not fit."""

    def __init__(self) -> None:
        self.is_full = False

    def write(self, file: io.FileIO, data: bytes) -> None:
        if self.is_full:
            file.write(data[: len(data) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        file.write(data)


def test_what_was_shortened_in_memory_goes_to_the_disk_as_soon_as_anything_else(
    tmp_path: Path,
) -> None:
    path, disk = tmp_path / "box", Disk()
    with (
        mock.patch.object(spool, "_write", disk.write),
        mock.patch.object(spool, "RETRY_BYTES", 50),
        contextlib.closing(Outbox(path, Redactor([]), limit=1500)) as box,
    ):
        disk.is_full = True
        for number in range(12):
            box.append([said(f"{number} " + "x" * 80, EntryKind.STDOUT)])
        box.append([said("a word")])
        disk.is_full = False
        box.append([said("y" * 100)])
        assert "a word" in path.read_text()


class OutboxMachine(RuleBasedStateMachine):
    """Everything that may happen to an outbox, in any order, beside a server that keeps the protocol."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = contextlib.ExitStack()
        self.path = Path(self.stack.enter_context(TemporaryDirectory())) / "box"
        self.disk = Disk()
        self.stack.enter_context(mock.patch.object(spool, "_write", self.disk.write))
        self.stack.enter_context(mock.patch.object(spool, "COMPACT_AT", 600))
        self.stack.enter_context(mock.patch.object(spool, "RETRY_BYTES", 50))
        self.server: list[Entry] = []
        self.words: list[str] = []
        self.lost: set[str] = set()
        self.number = 0
        self.box = Outbox(self.path, Redactor([]), limit=1500)
        self.box.begin(0)

    def teardown(self) -> None:
        self.box.close()
        self.stack.close()

    @rule(count=st.integers(1, 4), kind=st.sampled_from(["message", "stdout"]))
    def say(self, count: int, kind: str) -> None:
        for _ in range(count):
            self.number += 1
            text = f"{kind} {self.number}. " + "x" * 40
            self.box.append([said(text, EntryKind(kind))])
            if kind == "message":
                self.words.append(text)

    @rule(most=st.integers(1, 20), is_heard=st.booleans())
    def send(self, most: int, is_heard: bool) -> None:
        first, entries = self.box.batch(most)
        if not entries:
            return
        if first > len(self.server) + 1:
            self.box.acknowledge(len(self.server))
            return
        self.server += entries[len(self.server) + 1 - first :]
        if is_heard:
            self.box.acknowledge(len(self.server))

    @rule(is_full=st.booleans())
    def fill(self, is_full: bool) -> None:
        self.disk.is_full = is_full

    @rule(kept=st.none() | st.integers(0, 8))
    def die(self, kept: int | None) -> None:
        """kill -9, with which is lost what is only in memory; or a power cut, after which no more than
        so many lines are ``kept`` of the file."""
        self.box.close()
        on_disk = self.path.read_text() if self.path.exists() else ""
        if kept is not None and on_disk:
            on_disk = "".join(on_disk.splitlines(keepends=True)[: kept + 1])
            self.path.write_text(on_disk)
        arrived = {entry.text for entry in self.server}
        self.lost |= {w for w in self.words if w not in on_disk and w not in arrived}
        self.box = Outbox(self.path, Redactor([]), limit=1500)
        self.box.begin(len(self.server))

    @precondition(lambda self: not self.disk.is_full)
    @rule()
    def look_at_the_disk(self) -> None:
        """Where there is room, nothing stays in memory for long."""
        self.box.append([said("filler " + "x" * 100, EntryKind.STDOUT)])
        on_disk = self.path.read_text()
        arrived = {entry.text for entry in self.server}
        assert [w for w in self.words if w not in on_disk and w not in arrived | self.lost] == []

    @invariant()
    def every_word_arrives_once_and_in_order(self) -> None:
        arrived = [entry.text for entry in self.server if entry.text.startswith("message")]
        expected = [word for word in self.words if word not in self.lost]
        assert arrived == expected[: len(arrived)]
        if not self.box.unsent:
            assert arrived == expected


TestOutboxMachine = OutboxMachine.TestCase
TestOutboxMachine.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_whatever_the_disk_says_the_job_goes_on(tmp_path: Path, error: int) -> None:
    with (
        contextlib.closing(Outbox(tmp_path / "box", Redactor([]))) as box,
        mock.patch.object(spool, "_write", side_effect=OSError(error, os.strerror(error))),
    ):
        box.append([said("one")])
        assert [e.text for e in box.batch()[1]][:1] == ["one"]
