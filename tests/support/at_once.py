"""Many who ask the database's writer at once: none is answered before all wait for it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from lazyaf.store.database import SqlDatabase
from lazyaf.store.tx import Tx

T = TypeVar("T")


async def at_once(db: SqlDatabase, *works: Coroutine[Any, Any, T]) -> list[T | BaseException]:
    """What came of each. They wait for the writer, in this order, while something else keeps it busy."""
    begun, gate = threading.Event(), threading.Event()

    def keep_busy(_tx: Tx) -> None:
        begun.set()
        gate.wait()

    busy = asyncio.ensure_future(db.write(keep_busy))
    try:
        await asyncio.to_thread(begun.wait)
        asking = [asyncio.ensure_future(work) for work in works]
        await asyncio.sleep(0)
    finally:
        gate.set()
    await busy
    return await asyncio.gather(*asking, return_exceptions=True)
