"""A repository that is deleted while somebody clones it: with the real client, over HTTP."""

from __future__ import annotations

import asyncio
import os

import psutil
import pytest

from lazyaf.domain.errors import NotFound
from lazyaf.git import command, diff, log, merge, refs, smart_http
from lazyaf.git.pktline import encode
from lazyaf.git.policy import PushPolicy


def packs() -> list[psutil.Process]:
    found = psutil.Process().children(recursive=True)
    return [p for p in found if "upload-pack" in " ".join(p.cmdline())]


async def drained(stream) -> list[bytes]:
    return [chunk async for chunk in stream]


async def test_a_clone_ends_when_its_repository_is_deleted(storage, repo_id, work) -> None:
    head = await work.commit({"a": os.urandom(8_000_000)})
    await work.git("push", "-q", "store", "main")
    words = (encode(b"command=fetch"), encode(b"object-format=sha1"), b"0001",
             encode(f"want {head}\n".encode()), encode(b"done\n"), b"0000")  # fmt: skip

    async def body():
        yield b"".join(words)

    stream = await smart_http.serve(
        storage, repo_id, smart_http.UPLOAD_PACK, body(),
        protocol_header="version=2", policy=PushPolicy(),
    )  # fmt: skip
    assert await anext(stream)
    assert packs()
    deleting = asyncio.create_task(storage.delete(repo_id))
    # The client is told by a connection that breaks: what it has is no whole pack.
    with pytest.raises(NotFound, match="being deleted"):
        await drained(stream)
    await deleting
    assert packs() == []
    assert not storage.path(repo_id).exists()
    assert list((storage.root / ".trash").iterdir()) == []


async def test_readers_finish_before_the_storage_goes(storage, repo_id, work) -> None:
    """Deleting waits for whoever looks at the repository, and lets nobody new in."""
    head = await work.commit({"a": "0\n"})
    await work.git("push", "-q", "store", "main")
    async with storage.shared(repo_id) as path:
        deleting = asyncio.create_task(storage.delete(repo_id))
        await asyncio.sleep(0)
        assert not deleting.done()
        assert (path / "HEAD").exists()
        newcomer = asyncio.create_task(refs.resolve(storage, repo_id, "main"))
        with pytest.raises(NotFound):
            await newcomer
        assert (path / "HEAD").exists()
    await deleting
    assert not path.exists()
    for asked in (
        refs.list_branches(storage, repo_id, "main"),
        log.commits(storage, repo_id, "main", None, 5),
        diff.diff(storage, repo_id, head, head),
        merge.mergeability(storage, repo_id, "1" * 40, "2" * 40),
    ):
        with pytest.raises(NotFound):
            await asked


async def test_a_client_that_clones_meanwhile_fails_and_says_why_it_cannot_begin(
    served, storage, repo_id, work, tmp_path
) -> None:
    await work.commit({"a": os.urandom(30_000_000)})
    await work.git("push", "-q", "store", "main")
    cloning = asyncio.create_task(
        command.run(["clone", "-q", served.url, str(tmp_path / "clone")], check=False)
    )
    while not storage._packs:  # noqa: ASYNC110 - there is no event for it
        await asyncio.sleep(0)
    await storage.delete(repo_id)
    ended = await cloning
    assert ended.returncode != 0
    assert not (tmp_path / "clone").exists()
    again = await command.run(["clone", "-q", served.url, str(tmp_path / "again")], check=False)
    assert "not found" in again.stderr
