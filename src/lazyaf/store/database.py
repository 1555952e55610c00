"""The one writer thread and the reader threads: who runs services, and when they commit.

`write` queues a function for the writer, which drains up to `BATCH` of them into one transaction and
resolves their futures after COMMIT, so nothing is ever answered before it is durable (rules.md R5).
What waits there with one function (`write_together`) is handed to it together.
A function that raises before writing just gets its error; one that raises after writing, or in the
database itself, rolls the batch back, and each of the batch is run again alone. Measured in store.md.

When the database is away everybody is told so (503), and the next transaction connects anew. Nothing is
run again then: a COMMIT whose answer was lost may have been obeyed.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any, Concatenate, ParamSpec, TypeVar

import structlog
from sqlalchemy import URL, Engine
from sqlalchemy.exc import DataError, DBAPIError, SQLAlchemyError

from lazyaf.domain.errors import DiskFull, Invalid, Unavailable
from lazyaf.domain.events import NewEvent
from lazyaf.domain.ports import Clock
from lazyaf.store import engine as engines
from lazyaf.store.events import insert_events
from lazyaf.store.tx import Tx

log = structlog.get_logger(__name__)

P = ParamSpec("P")
R = TypeVar("R")
A = TypeVar("A")

BATCH = 64
"""Functions committed together at most."""

OnCommit = Callable[[Sequence[NewEvent]], None]


@dataclass(slots=True)
class _Work:
    """An item that waits for the writer with the function for it, and what became of it."""

    fn: Callable[[Tx, Sequence[Any]], Sequence[Any]]
    item: Any
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    value: Any = None
    error: BaseException | None = None
    events: list[NewEvent] = field(default_factory=list)

    def settle(self) -> None:
        """Resolve the future; on the loop's thread."""
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.value)


def _run(conn: Any, works: Sequence[_Work]) -> bool:
    """Run what waits with one function; False when it failed after writing, so that the batch is spoilt, or
    for several, of which one may be at fault."""
    tx = Tx(conn)
    try:
        answers = works[0].fn(tx, [work.item for work in works])
    except BaseException as error:  # noqa: BLE001 - handed to the callers' futures, never swallowed
        typed = _typed(error)
        for work in works:
            work.error = typed
        # PostgreSQL ends a transaction at its first failing statement, and then its COMMIT is a
        # ROLLBACK that raises nothing.
        return not (len(works) > 1 or tx.is_dirty or isinstance(error, SQLAlchemyError))
    for work, answer in zip(works, answers, strict=True):
        if isinstance(answer, Exception):
            work.error = answer
        else:
            work.value = answer
    works[0].events = tx.events
    return True


def _by_function(batch: Sequence[_Work]) -> Iterable[list[_Work]]:
    """A batch by what is run together, at the place of the first of each."""
    groups: dict[Any, list[_Work]] = {}
    for work in batch:
        groups.setdefault(work.fn, []).append(work)
    return groups.values()


def _typed(error: BaseException) -> Exception:
    """What a database cannot hold (NUL, a lone surrogate, a number beyond 64 bits) is `Invalid`; one
    that is away is `Unavailable`; what a future cannot carry, or would end the event loop, is a plain
    error."""
    if isinstance(error, DataError | OverflowError | UnicodeEncodeError):
        return Invalid("The request holds something that cannot be stored, like a NUL character.")
    if isinstance(error, DBAPIError) and engines.is_away(error):
        log.error("database_away", detail=str(error.orig).strip())
        gone = "The database does not answer. Try again in a moment."
        away = DiskFull() if engines.is_full(error) else Unavailable(gone)
        away.__cause__ = error
        return away
    if isinstance(error, Exception) and not isinstance(error, StopIteration):
        return error
    plain = RuntimeError(f"A transaction was ended by {error!r}.")
    plain.__cause__ = error
    return plain


def _is_away(error: BaseException | None) -> bool:
    """Whether that is what `_typed` makes of a database that went away."""
    return isinstance(error, Unavailable) and isinstance(error.__cause__, DBAPIError)


class SqlDatabase:
    """The `lazyaf.domain.ports.Database` over SQLAlchemy Core.

    ``on_commit`` is called on the event loop with the events of each commit, before any caller of
    that batch gets its answer; it must not block.
    """

    def __init__(self, url: URL, clock: Clock) -> None:
        self._writer_engine: Engine = engines.writer_engine(url)
        self._reader_engine: Engine = engines.reader_engine(url)
        self._clock = clock
        self._queue: SimpleQueue[_Work | None] = SimpleQueue()
        self._readers = ThreadPoolExecutor(engines.READERS, thread_name_prefix="store-reader")
        self._thread = threading.Thread(target=self._write_loop, name="store-writer", daemon=True)
        self._is_closed = False
        self.on_commit: list[OnCommit] = []

    def start(self) -> None:
        """Start the writer."""
        self._thread.start()

    def close(self) -> None:
        """Finish what is queued, then close. Blocking."""
        self._is_closed = True
        self._queue.put(None)
        self._thread.join()
        self._readers.shutdown(wait=True)
        self._reader_engine.dispose()
        self._writer_engine.dispose()

    async def read(
        self, fn: Callable[Concatenate[Any, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Run ``fn`` in a read-only transaction on a reader thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._readers, lambda: self.read_sync(fn, *args, **kwargs)
        )

    def read_sync(
        self, fn: Callable[Concatenate[Any, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """`read` on the calling thread."""
        try:
            with self._reader_engine.begin() as conn:
                return fn(Tx(conn), *args, **kwargs)
        except (SQLAlchemyError, OverflowError, UnicodeEncodeError) as error:
            if isinstance(error, DBAPIError) and engines.is_forbidden(error):
                raise  # a reader that writes is a mistake of ours
            raise _typed(error) from error

    async def write(
        self, fn: Callable[Concatenate[Any, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Run ``fn`` on the writer; returns after the commit, or raises what it or the commit raised."""
        return await self.write_together(lambda tx, _: (fn(tx, *args, **kwargs),), None)

    async def write_together(
        self, fn: Callable[[Any, Sequence[A]], Sequence[R | Exception]], item: A
    ) -> R:
        """`write` for those who wait for the writer with the same ``fn``, which answers each; returns this
        one's answer, or raises it if it is an error."""
        if self._is_closed:
            raise Unavailable("The server is shutting down. Try again in a moment.")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[R] = loop.create_future()
        self._queue.put(_Work(fn, item, loop, future))
        return await future  # cancelled with a client that leaves; the write is done all the same

    def _write_loop(self) -> None:
        while (first := self._queue.get()) is not None:
            batch, last = [first], False
            while len(batch) < BATCH and not self._queue.empty():
                work = self._queue.get()
                if work is None:
                    last = True
                    break
                batch.append(work)
            self._commit(batch)
            if last:
                return

    def _commit(self, batch: list[_Work]) -> None:
        if self._try_commit(batch):
            self._announce(batch)
            return
        away = next((work.error for work in batch if _is_away(work.error)), None)
        for work in batch:
            if away is not None:
                work.error = work.error or away
            elif len(batch) > 1:
                self._try_commit([work])
            self._announce([work])

    def _try_commit(self, batch: list[_Work]) -> bool:
        """Run and commit the batch; False when it was rolled back, or may have been."""
        is_complete = False
        for work in batch:  # of an earlier try
            work.value, work.error, work.events = None, None, []
        try:
            with self._writer_engine.connect() as conn, conn.begin() as transaction:
                if not all(_run(conn, works) for works in _by_function(batch)):
                    transaction.rollback()
                    for work in batch:
                        work.events = []
                    return False
                insert_events(Tx(conn), [e for w in batch for e in w.events], self._clock.now())
                is_complete = True
        except BaseException as error:  # noqa: BLE001 - a failed commit is every caller's error
            typed = _typed(error)
            # A COMMIT whose answer is lost may have been obeyed; the events are hints only.
            is_in_doubt = is_complete and _is_away(typed)
            for work in batch:
                work.error = work.error or typed
                work.events = work.events if is_in_doubt else []
            return False
        return True

    def _announce(self, batch: list[_Work]) -> None:
        events = [e for work in batch for e in work.events]

        def settle() -> None:
            try:
                if events:
                    for listener in self.on_commit:
                        listener(events)
            finally:
                for work in batch:
                    work.settle()

        loop = batch[0].loop
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle)
