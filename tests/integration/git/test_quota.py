"""What a repository and the processors may be asked for, said to real git, and nothing left behind."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator

import pytest

from lazyaf.domain.errors import Unavailable
from lazyaf.git import smart_http
from lazyaf.git.condition import size
from lazyaf.git.pktline import ZERO, encode_push_request
from lazyaf.git.policy import PushPolicy
from lazyaf.git.quota import Quota, Slots
from lazyaf.git.storage import Storage

from .conftest import Served, Work

CAPABILITIES = ("report-status", "side-band-64k", "object-format=sha1")


async def test_a_pack_beyond_the_limit_is_refused_and_leaves_nothing(
    served: Served, storage: Storage, repo_id: str, work: Work
) -> None:
    storage.quota = Quota(push=1_000_000)
    before = size(storage.path(repo_id))
    await work.commit({"a": os.urandom(3_000_000)})
    refused = await work.git("push", served.url, "main", ok=(1,))
    assert "pack exceeds maximum allowed size" in refused.stderr
    assert size(storage.path(repo_id)) == before
    assert [*storage.path(repo_id).joinpath("objects").glob("tmp_*")] == []
    assert [*storage.path(repo_id).joinpath("objects", "pack").iterdir()] == []
    storage.quota = Quota(push=10_000_000)
    await work.git("push", served.url, "main")


async def test_a_full_repository_takes_no_pack_says_so_and_still_lets_refs_go(
    served: Served, storage: Storage, repo_id: str, work: Work
) -> None:
    await work.commit({"a": os.urandom(1_000_000)})
    await work.git("push", served.url, "main", "main:old")
    storage.quota = Quota(repository=1_000_000)
    full = size(storage.path(repo_id))
    await work.commit({"b": os.urandom(2_000_000)})
    refused = await work.git("push", served.url, "main", ok=(1,))
    assert "! [remote rejected] main -> main (this repository is full" in refused.stderr
    assert "it may take 1 MB" in refused.stderr
    assert "LAZYAF_REPO_MAX_MB" in refused.stderr
    assert size(storage.path(repo_id)) == full
    await work.git("push", served.url, ":old")
    await work.git("fetch", "-q", served.url, "main")


async def test_what_is_left_of_a_repositorys_quota_bounds_one_push(
    served: Served, storage: Storage, repo_id: str, work: Work
) -> None:
    await work.commit({"a": os.urandom(1_000_000)})
    await work.git("push", served.url, "main")
    storage.quota = Quota(repository=2_000_000)
    await work.commit({"b": os.urandom(2_000_000)})
    refused = await work.git("push", served.url, "main", ok=(1,))
    assert "pack exceeds maximum allowed size" in refused.stderr
    assert size(storage.path(repo_id)) < 1_100_000
    await work.git("reset", "-q", "--hard", "HEAD~1")
    await work.commit({"b": os.urandom(500_000)})
    await work.git("push", served.url, "main")


async def test_who_finds_too_many_waiting_is_sent_away() -> None:
    slots, began, release = Slots(1, waiting=1), asyncio.Event(), asyncio.Event()

    async def transfer() -> None:
        async with slots:
            began.set()
            await release.wait()

    first = asyncio.create_task(transfer())
    await began.wait()
    second = asyncio.create_task(transfer())
    await asyncio.sleep(0)
    with pytest.raises(Unavailable, match="1 transfers wait already"):
        await transfer()
    release.set()
    await asyncio.gather(first, second)
    await transfer()


async def test_one_that_leaves_the_queue_makes_room_in_it() -> None:
    slots, release = Slots(1, waiting=1), asyncio.Event()

    async def transfer() -> None:
        async with slots:
            await release.wait()

    first, second = (asyncio.create_task(transfer()) for _ in range(2))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    third = asyncio.create_task(transfer())
    await asyncio.sleep(0)
    release.set()
    await asyncio.gather(first, third)


async def test_a_push_beyond_the_queue_fails_before_git_is_started(
    storage: Storage, repo_id: str, work: Work
) -> None:
    crowded = Storage(storage.root, quota=Quota(packs=1, waiting=0))
    head = await work.commit({"a": "0"})
    uploading, release = asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield encode_push_request([(ZERO, head, "refs/heads/slow")], CAPABILITIES)
        uploading.set()
        await release.wait()

    async def push(body: AsyncIterator[bytes]) -> bytes:
        stream = await smart_http.serve(
            crowded, repo_id, smart_http.RECEIVE_PACK, body, policy=PushPolicy()
        )
        return b"".join([chunk async for chunk in stream])

    first = asyncio.create_task(push(slow()))
    await uploading.wait()
    while not crowded.is_busy(repo_id):  # noqa: ASYNC110 - a transfer tells nobody that it began
        await asyncio.sleep(0)
    await asyncio.sleep(0)

    async def body() -> AsyncIterator[bytes]:
        yield encode_push_request([(ZERO, head, "refs/heads/main")], CAPABILITIES)

    with pytest.raises(Unavailable):
        await push(body())
    release.set()
    await first
