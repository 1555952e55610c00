"""The entries of one attempt on disk, before they are sent and until the server has them (rule R13).

A file of lines: a header with the number of the first entry, then one entry a line; an entry's number
(``src_seq``) is its place. A runner that was killed finds it again: a torn last line is dropped. It is
bounded: past ``limit`` bytes unsent, the oldest output lines are summarised, which renumbers only
entries that were never sent; what the agent said and did is never left out. What is stored is cut off
the front now and then. Redaction happens here, before anything reaches the disk.
"""

from __future__ import annotations

import asyncio
import bisect
import json
import os
from collections.abc import Iterable, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Final

from lazyaf.protocol.entries import Entry, EntryKind
from lazyaf.runner.redaction import Redactor

LIMIT: Final = 64 * 1024 * 1024
COMPACT_AT: Final = 16 * 1024 * 1024
BATCH_ENTRIES: Final = 500
BATCH_BYTES: Final = 1024 * 1024
_OUTPUT: Final = frozenset({EntryKind.STDOUT, EntryKind.STDERR})


class Outbox:
    """See the module. Belongs to one event loop; every method is quick and synchronous."""

    def __init__(self, path: Path, redactor: Redactor, *, limit: int = LIMIT) -> None:
        self._path = path
        self._redactor = redactor
        self._limit = limit
        self._first = 1
        self._offsets = [0]  # where each entry begins in the file, and where the last one ends
        self._sent = 0
        self.stored = 0
        self.grew = asyncio.Event()
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if path.exists():
            self._load()
        else:
            self._write_new(1, [])
        self._file = path.open("ab", buffering=0)

    @property
    def last(self) -> int:
        """The number of the newest entry; 0 when there was none."""
        return self._first + self._count - 1

    @property
    def unsent(self) -> int:
        """How many entries the server has not said to hold."""
        return self.last - self.stored

    def use(self, redactor: Redactor) -> None:
        """Redact with this one from now on (the agent's own secrets are known late)."""
        self._redactor = redactor

    def append(self, entries: Iterable[Entry]) -> None:
        """Put entries at the end, on disk when this returns."""
        lines = [_line(self._redactor.entry(entry)) for entry in entries]
        if not lines:
            return
        self._file.write(b"".join(lines))
        self._offsets += accumulate(map(len, lines), initial=self._offsets.pop())
        if self._unsent_bytes() > self._limit:
            self._summarise()
        self.grew.set()

    def batch(self, most: int = BATCH_ENTRIES) -> tuple[int, list[Entry]]:
        """The next entries to send with the number of the first; empty when all are stored."""
        first = max(self.stored + 1, 1)
        if first > self.last:
            return first, []
        if first < self._first:
            # The server asks for what it once said it had stored (a restored backup): keep the count.
            count = min(self._first - first, most)
            return first, [_lost()] * count
        index = first - self._first
        limit = self._offsets[index] + BATCH_BYTES
        count = bisect.bisect_right(self._offsets, limit) - 1 - index
        count = max(1, min(count, self._count - index, most))
        self._sent = max(self._sent, first + count - 1)
        return first, [Entry.model_validate_json(line) for line in self._read(index, count)]

    def acknowledge(self, stored: int) -> None:
        """The server holds everything up to ``stored``; it may also have gone back."""
        self.stored = max(0, min(stored, self.last))
        done = max(0, self.stored + 1 - self._first)
        if self._offsets[done] - self._offsets[0] >= COMPACT_AT:
            self._rewrite(self._first + done, self._read(done, self._count - done))

    def sync(self) -> None:
        """Make the disk hold what was appended. Blocking; may be called from another thread."""
        with self._path.open("rb") as file:
            os.fdatasync(file.fileno())

    def close(self) -> None:
        """Let go of the file; it stays."""
        self._file.close()

    def remove(self) -> None:
        """Let go of the file and delete it: the attempt is closed."""
        self.close()
        self._path.unlink(missing_ok=True)

    @property
    def _count(self) -> int:
        return len(self._offsets) - 1

    def _unsent_bytes(self) -> int:
        return self._offsets[-1] - self._offsets[max(0, self.stored + 1 - self._first)]

    def _read(self, index: int, count: int) -> list[bytes]:
        """The lines of ``count`` entries from a place in the file."""
        begin, end = self._offsets[index], self._offsets[index + count]
        with self._path.open("rb") as file:
            file.seek(begin)
            return file.read(end - begin).splitlines(keepends=True)

    def _load(self) -> None:
        """Take up what an earlier process left; none of it may be renumbered: it may be stored."""
        raw = self._path.read_bytes()
        header, _, body = raw.partition(b"\n")
        whole = body[: body.rfind(b"\n") + 1]
        self._first = int(json.loads(header)["first"])
        self._measure(len(header) + 1, whole.splitlines(keepends=True))
        self.stored = self._first - 1
        self._sent = self.last
        if len(whole) < len(body):
            with self._path.open("r+b") as file:
                file.truncate(self._offsets[-1])
        if self._count:
            self.grew.set()

    def _summarise(self) -> None:
        """Shrink the older half of what was never sent: each run of output lines becomes one."""
        keep = max(0, max(self._sent, self.stored) + 1 - self._first)
        lines = self._read(0, self._count)
        fresh = lines[keep:]
        half = len(fresh) // 2
        self._rewrite(self._first, [*lines[:keep], *_without_output(fresh[:half]), *fresh[half:]])

    def _rewrite(self, first: int, lines: Sequence[bytes]) -> None:
        self._file.close()
        self._write_new(first, lines)
        self._file = self._path.open("ab", buffering=0)

    def _write_new(self, first: int, lines: Sequence[bytes]) -> None:
        """Replace the file in one step: a kill in between leaves the old one."""
        header = json.dumps({"first": first}).encode() + b"\n"
        fresh = self._path.with_suffix(".new")
        fresh.write_bytes(header + b"".join(lines))
        fresh.replace(self._path)
        self._first = first
        self._measure(len(header), lines)

    def _measure(self, start: int, lines: Sequence[bytes]) -> None:
        self._offsets = list(accumulate(map(len, lines), initial=start))


def _line(entry: Entry) -> bytes:
    return entry.model_dump_json(exclude_defaults=True).encode() + b"\n"


def _lost() -> Entry:
    return Entry(at="", kind=EntryKind.SYSTEM, text="This entry was stored once and is lost.")


def _without_output(lines: Sequence[bytes]) -> list[bytes]:
    """The lines with each run of output replaced by one that counts it, and without raw lines."""
    kept: list[bytes] = []
    run: list[Entry] = []
    for line in lines:
        entry = Entry.model_validate_json(line)
        if entry.kind in _OUTPUT:
            run.append(entry)
            continue
        kept += _counted(run)
        run = []
        kept.append(_line(entry.model_copy(update={"raw": None})))
    return [*kept, *_counted(run)]


def _counted(run: Sequence[Entry]) -> list[bytes]:
    if not run:
        return []
    size = sum(len(entry.text) for entry in run)
    text = f"… {len(run):,} lines ({size:,} characters) left out while the server was away."
    return [_line(Entry(at=run[0].at, kind=run[0].kind, text=text))]
