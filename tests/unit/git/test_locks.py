"""The lock of a repository."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from lazyaf.domain.errors import NotFound
from lazyaf.git.locks import RepositoryLock


@asynccontextmanager
async def shared(lock: RepositoryLock) -> AsyncIterator[None]:
    """As `Storage.shared` does it."""
    await lock.share()
    try:
        yield
    finally:
        lock.release()


async def settle() -> None:
    """Let every task that can run do so."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_many_share_and_one_is_alone() -> None:
    lock, seen = RepositoryLock(), []

    async def prune() -> None:
        async with lock.exclusive():
            seen.append("alone")

    async with shared(lock):
        pruning = asyncio.create_task(prune())
        await settle()
        async with shared(lock):  # a waiting prune keeps nobody out: no deadlock when nested
            seen.append("shared")
    await pruning
    assert seen == ["shared", "alone"]


async def test_a_sharer_waits_for_the_one_who_is_alone() -> None:
    lock, seen = RepositoryLock(), []

    async def read() -> None:
        async with shared(lock):
            seen.append("read")

    async with lock.exclusive():
        reading = asyncio.create_task(read())
        await settle()
        seen.append("alone")
    await reading
    assert seen == ["alone", "read"]


async def test_a_cancelled_holder_leaves_nothing_behind() -> None:
    lock = RepositoryLock()

    async def hold() -> None:
        async with shared(lock):
            await asyncio.Event().wait()

    async def wait() -> None:
        async with lock.exclusive():
            pass

    holding, waiting = asyncio.create_task(hold()), asyncio.create_task(wait())
    await settle()
    waiting.cancel()
    holding.cancel()
    await asyncio.wait({holding, waiting})
    async with lock.exclusive():
        pass


async def test_once_closed_it_refuses_even_those_who_waited() -> None:
    lock = RepositoryLock()

    async def read() -> None:
        async with shared(lock):
            pass

    async with lock.exclusive():
        reading = asyncio.create_task(read())
        await settle()
        lock.close()
        with pytest.raises(NotFound):
            await reading
    with pytest.raises(NotFound):
        await read()
