"""The entries of one attempt on disk, before they are sent and until the server has them (rule R13).

They are lines of a `Spool`; an entry's number (``src_seq``) is its line's. It is bounded: past ``limit``
bytes unsent, the oldest output lines are summarised, which renumbers only entries that were never sent;
what the agent said and did is never left out. A full disk loses nothing either: what it refuses is sent
from memory. Redaction happens here, before anything reaches the disk.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from lazyaf.agents.entries import utc_now
from lazyaf.protocol.entries import Entry, EntryKind
from lazyaf.runner.entrylines import entry_of, line_of, without_output
from lazyaf.runner.redaction import Redactor
from lazyaf.runner.spool import Spool

LIMIT: Final = 64 * 1024 * 1024
AGAIN: Final = 8
"""After a summary an eighth of the limit must come before the next: it reads everything unsent."""
BATCH_ENTRIES: Final = 500
BATCH_BYTES: Final = 1024 * 1024


class Outbox:
    """See the module. Belongs to one event loop; every method is quick and synchronous."""

    def __init__(self, path: Path, redactor: Redactor, *, limit: int = LIMIT) -> None:
        self._spool = Spool(path)
        self._redactor = redactor
        self._limit = self._full_at = limit
        self._found = self._spool.count
        self._sent = self._spool.last
        """Nothing up to here may be renumbered: it may be stored."""
        self.stored = self._spool.first - 1
        self.grew = asyncio.Event()
        if self._found:
            self.grew.set()
        if self._spool.is_broken:
            self._say("What an earlier process of this runner had not sent yet cannot be read.")
        self._tell_of_disk()

    @property
    def last(self) -> int:
        """The number of the newest entry; 0 when there was none."""
        return self._spool.last

    @property
    def unsent(self) -> int:
        """How many entries the server has not said to hold."""
        return self.last - self.stored

    def use(self, redactor: Redactor) -> None:
        """Redact with this one from now on (the agent's own secrets are known late)."""
        self._redactor = redactor

    def redact(self, text: str) -> str:
        """A text without the secrets that no entry may hold."""
        return self._redactor.text(text)

    def append(self, entries: Iterable[Entry]) -> None:
        """Put entries at the end, on disk when this returns. Never raises for what the disk says."""
        lines = [line_of(self._redactor.entry(entry)) for entry in entries]
        if not lines:
            return
        self._spool.append(lines)
        self._tell_of_disk()
        if self._unsent_bytes() > self._full_at:
            self._summarise()
        self.grew.set()

    def begin(self, stored: int) -> None:
        """The server holds this many of the attempt, before anything is sent. More than an earlier
        process has left here is more than its disk could keep: what is new follows that."""
        if stored > self._spool.first + self._found - 1:
            self._spool.renumber(stored + 1, self._found)
            self._sent = stored
        self.acknowledge(stored)

    def batch(self, most: int = BATCH_ENTRIES) -> tuple[int, list[Entry]]:
        """The next entries to send with the number of the first; empty when all are stored."""
        first = max(self.stored + 1, 1)
        if first > self.last:
            return first, []
        if first < self._spool.first:
            # The server asks for what it once said it had stored (a restored backup): keep the count.
            count = min(self._spool.first - first, most)
            return first, [entry_of(b"")] * count
        lines = self._spool.read(first - self._spool.first, most, BATCH_BYTES)
        self._sent = max(self._sent, first + len(lines) - 1)
        return first, [entry_of(line) for line in lines]

    def acknowledge(self, stored: int) -> None:
        """The server holds everything up to ``stored``; it may also have gone back."""
        self.stored = max(0, min(stored, self.last))
        self._spool.drop(max(0, self.stored + 1 - self._spool.first))
        if self._full_at > self._limit > self._unsent_bytes():
            self._full_at = self._limit

    def sync(self) -> None:
        """Make the disk hold what was appended. Blocking; may be called from another thread."""
        self._spool.sync()

    def close(self) -> None:
        """Let go of the file; it stays."""
        self._spool.close()

    def remove(self) -> None:
        """Let go of the file and delete it: the attempt is closed."""
        self._spool.remove()

    def _unsent_bytes(self) -> int:
        return self._spool.size(max(0, self.stored + 1 - self._spool.first))

    def _summarise(self) -> None:
        """Shrink the older half of what was never sent: each run of output lines becomes one."""
        keep = max(0, max(self._sent, self.stored) + 1 - self._spool.first)
        self._spool.replace(keep, without_output)
        self._full_at = max(self._limit, self._unsent_bytes() + self._limit // AGAIN)

    def _tell_of_disk(self) -> None:
        error, self._spool.refusal = self._spool.refusal, None
        if error is not None:
            self._say(
                f"This runner's disk takes no more of the log: {error.strerror}. The job goes on; what "
                "is said is kept in memory until there is room."
            )

    def _say(self, text: str) -> None:
        entry = Entry(at=utc_now(), kind=EntryKind.SYSTEM, text=text, is_error=True)
        self._spool.append([line_of(entry)])
        self.grew.set()
