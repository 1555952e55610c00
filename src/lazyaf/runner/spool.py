"""Numbered lines in a file, and in memory for as long as the disk takes no more.

A file is a header with the number of its first line, then one line after the other; a line's number is
its place. A process that was killed finds them again: a torn last line is dropped, a file that makes no
sense is begun anew. A disk that is full costs nothing but memory: what it refuses is held, can be read
like the rest, and goes to the disk when there is room again.
"""

from __future__ import annotations

import bisect
import contextlib
import io
import json
import os
from collections.abc import Callable, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Final

import structlog

Shorten = Callable[[Sequence[bytes]], list[bytes]]

log = structlog.get_logger(__name__)

COMPACT_AT: Final = 16 * 1024 * 1024
"""Bytes at the front that nobody needs any more, above which they are cut off."""
RETRY_BYTES: Final = 64 * 1024
"""So many more bytes must be held before the disk is asked again: what is held is copied for that."""


class Spool:
    """See the module. ``first`` is the number of the first line that is kept. Not for two processes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.first = 1
        self.is_broken = False
        """What an earlier process left could not be read."""
        self.refusal: OSError | None = None
        """What the disk said when it began to refuse lines; whoever tells it may clear it."""
        self._offsets = [0]  # where each line begins in the file, and where the last one ends
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._ask_at = 0
        self._done = 0
        self._compact_at = COMPACT_AT
        self._file: io.FileIO | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not (path.exists() and self._load()):
                self._write_new(1, [])
            self._open()
        except OSError as error:
            self._refused(error)

    @property
    def count(self) -> int:
        """How many lines are kept, in the file and in memory."""
        return len(self._offsets) - 1 + len(self._held)

    @property
    def last(self) -> int:
        """The number of the newest line; one less than ``first`` when there is none."""
        return self.first + self.count - 1

    def size(self, index: int) -> int:
        """Bytes from a place on."""
        in_file = len(self._offsets) - 1
        if index <= in_file:
            return self._offsets[-1] - self._offsets[index] + self._held_bytes
        return sum(map(len, self._held[index - in_file :]))

    def append(self, lines: Sequence[bytes]) -> None:
        """Put lines at the end; on disk when this returns, if it takes them."""
        if self._held or self._file is None:
            self._hold(lines)
            self._unload()
            return
        try:
            _write(self._file, b"".join(lines))
        except OSError as error:
            self._refused(error)
            self._file.truncate(self._offsets[-1])
            self._hold(lines)
            self._ask_at = self._held_bytes + RETRY_BYTES
        else:
            self._offsets += accumulate(map(len, lines), initial=self._offsets.pop())

    def read(self, index: int, most: int, limit: int) -> list[bytes]:
        """Up to ``most`` lines from a place on, at least one and then no more than ``limit`` bytes; an
        empty one stands for a line that was `drop`ped and is gone."""
        in_file = len(self._offsets) - 1
        if index >= in_file:
            held = self._held[index - in_file : index - in_file + most]
            sizes = accumulate(map(len, held))
            return held[: max(1, sum(1 for size in sizes if size <= limit))]
        end = min(index + most, in_file)
        begin = self._offsets[index]
        fitting = bisect.bisect_right(self._offsets, begin + limit, index, end + 1) - 1
        with self._path.open("rb") as file:
            file.seek(begin)
            found = file.read(self._offsets[max(index + 1, fitting)] - begin)
        return _lines(found)

    def drop(self, count: int) -> None:
        """The first ``count`` lines are not needed any more; they may go when it pays."""
        in_file = len(self._offsets) - 1
        for place in range(max(0, self._done - in_file), count - in_file):
            self._held_bytes -= len(self._held[place])
            self._held[place] = b""
        self._done = max(self._done, count)
        if self._held:
            self._ask_at = 0
            self._unload()
        elif self._offsets[count] - self._offsets[0] >= self._compact_at:
            self._compact()

    def replace(self, index: int, shorter: Shorten) -> None:
        """Let ``shorter`` make other lines of all from ``index`` on, if the disk takes them. What is in
        the file stays as it is while some are held: after a death it must be what it was."""
        in_file = len(self._offsets) - 1
        if self._held:
            place = max(0, index - in_file)
            self._held[place:] = shorter(self._held[place:])
            self._held_bytes = sum(map(len, self._held))
            self._ask_at = min(self._ask_at, self._held_bytes + RETRY_BYTES)
            return
        kept, lines = self._all(0)[:index], shorter(self._all(index))
        with contextlib.suppress(OSError):
            self._rewrite(self.first, [*kept, *lines])

    def renumber(self, first: int, index: int) -> None:
        """Forget the lines before ``index``; the one that stands there gets the number ``first``."""
        lines = self._all(index)
        try:
            self._rewrite(first, lines)
        except OSError:
            # The old file stays; whoever finds it will be told by the server how far it is behind.
            self.close()
            self.first, self._offsets, self._done = first, [self._offsets[-1]], 0
            self._held, self._held_bytes = lines, sum(map(len, lines))

    def sync(self) -> None:
        """Make the disk hold what was appended. Blocking; may be called from another thread."""
        with contextlib.suppress(OSError), self._path.open("rb") as file:
            os.fdatasync(file.fileno())

    def close(self) -> None:
        """Let go of the file; it stays."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def remove(self) -> None:
        """Let go of the file and delete it."""
        self.close()
        self._path.unlink(missing_ok=True)

    def _refused(self, error: OSError) -> None:
        log.warning("spool.disk", path=str(self._path), error=str(error))
        self.refusal = error

    def _hold(self, lines: Sequence[bytes]) -> None:
        self._held += lines
        self._held_bytes += sum(map(len, lines))

    def _unload(self) -> None:
        """Put what is held on the disk, if it takes it again."""
        if self._held_bytes < self._ask_at:
            return
        self._ask_at = self._held_bytes + RETRY_BYTES
        with contextlib.suppress(OSError):
            self._rewrite(self.first + self._done, self._all(self._done))

    def _compact(self) -> None:
        try:
            self._rewrite(self.first + self._done, self._all(self._done))
        except OSError:
            self._compact_at += COMPACT_AT

    def _all(self, index: int) -> list[bytes]:
        """Every line from a place on."""
        in_file = len(self._offsets) - 1
        if index >= in_file:
            return self._held[index - in_file :]
        with self._path.open("rb") as file:
            file.seek(self._offsets[index])
            found = file.read(self._offsets[-1] - self._offsets[index])
        return [*_lines(found), *self._held]

    def _load(self) -> bool:
        """Take up what an earlier process left; whether there was anything to be understood."""
        header, _, body = self._path.read_bytes().partition(b"\n")
        try:
            self.first = int(json.loads(header)["first"])
        except (ValueError, KeyError, TypeError):
            self.is_broken = True
            return False
        whole = body[: body.rfind(b"\n") + 1]
        self._measure(len(header) + 1, _lines(whole))
        if len(whole) < len(body):
            with self._path.open("r+b") as file:
                file.truncate(self._offsets[-1])
        return True

    def _rewrite(self, first: int, lines: Sequence[bytes]) -> None:
        """Let the file be these lines, and no more be held. Raises `OSError`, and then nothing has
        changed."""
        self._write_new(first, lines)
        self._held, self._held_bytes, self._done = [], 0, 0
        self._compact_at = COMPACT_AT
        self.close()
        with contextlib.suppress(OSError):
            self._open()

    def _write_new(self, first: int, lines: Sequence[bytes]) -> None:
        """Replace the file in one step: a kill in between leaves the old one."""
        header = json.dumps({"first": first}).encode() + b"\n"
        fresh = self._path.with_suffix(".new")
        try:
            with fresh.open("wb", buffering=0) as file:
                _write(file, header + b"".join(lines))
            fresh.replace(self._path)
        except OSError:
            fresh.unlink(missing_ok=True)
            raise
        self.first = first
        self._measure(len(header), lines)

    def _open(self) -> None:
        self._file = self._path.open("ab", buffering=0)

    def _measure(self, start: int, lines: Sequence[bytes]) -> None:
        self._offsets = list(accumulate(map(len, lines), initial=start))


def _write(file: io.FileIO, data: bytes) -> None:
    """All of it: a disk that is nearly full takes a part first, and says so only when asked again."""
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]


def _lines(data: bytes) -> list[bytes]:
    return [line + b"\n" for line in data.split(b"\n")[:-1]]
