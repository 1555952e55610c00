"""Transfers that do not end by themselves: clients that leave, leases that are lost, deletes."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import os
import struct
import zlib
from collections.abc import AsyncIterator
from hashlib import sha1

import psutil
import pytest

from lazyaf.domain.errors import BadRequest, GitFailed, LeaseLost, NotFound, Unavailable
from lazyaf.git import command, pack, refs, smart_http
from lazyaf.git.pktline import ZERO, encode, encode_push_request, parse_report
from lazyaf.git.policy import PushPolicy
from support.files import below

CAPABILITIES = ("report-status", "side-band-64k", "object-format=sha1")


async def packed(work, head: str) -> bytes:
    made = await command.run(
        ["pack-objects", "--revs", "--stdout", "-q"], cwd=work.folder, stdin=f"{head}\n".encode()
    )
    return made.stdout


async def push_body(work, ref: str = "refs/heads/main") -> tuple[str, bytes]:
    head = await work.commit({"a": os.urandom(400_000)})
    commands = encode_push_request([(ZERO, head, ref)], CAPABILITIES)
    return head, commands + await packed(work, head)


async def push(storage, repo_id, chunks, **options) -> bytes:
    options.setdefault("policy", PushPolicy())
    stream = await smart_http.serve(storage, repo_id, smart_http.RECEIVE_PACK, chunks, **options)
    return b"".join([chunk async for chunk in stream])


class Upload:
    """A body that stops in the middle and says when it was read that far."""

    def __init__(self, data: bytes, *, then: Exception | None = None) -> None:
        self.halfway = asyncio.Event()
        self.resume = asyncio.Event()
        self._data = data
        self._then = then

    async def __aiter__(self) -> AsyncIterator[bytes]:
        middle = len(self._data) // 2
        yield self._data[:middle]
        self.halfway.set()
        if self._then is not None:
            raise self._then
        await self.resume.wait()
        yield self._data[middle:]

    def chunks(self) -> AsyncIterator[bytes]:
        return self.__aiter__()


def git_children() -> list[psutil.Process]:
    found = []
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):  # it ended while we looked
            if process.name().startswith("git"):
                found.append(process)
    return found


def leftovers(storage, repo_id) -> list[str]:
    objects = storage.path(repo_id) / "objects"
    return [str(p) for p in below(objects) if p.name.startswith("tmp_")]


async def test_a_push_cut_off_in_the_middle_leaves_the_repository_as_it_was(
    storage, repo_id, work
) -> None:
    _, data = await push_body(work)
    upload = Upload(data, then=ConnectionResetError())
    with pytest.raises(BadRequest, match="ended before its end"):
        await push(storage, repo_id, upload.chunks())
    async with storage.exclusive(repo_id):  # the transfer has ended and left its lock
        assert leftovers(storage, repo_id) == []
    assert await refs.resolve(storage, repo_id, "main") is None
    assert git_children() == []


async def test_a_client_that_leaves_before_git_has_spoken_is_not_blamed_on_git(
    storage, repo_id
) -> None:
    body = Upload(encode(b"command=fetch") * 2, then=ConnectionResetError())
    with pytest.raises(BadRequest, match="ended before its end"):
        await smart_http.serve(
            storage, repo_id, smart_http.UPLOAD_PACK, body.chunks(), policy=PushPolicy()
        )
    async with storage.exclusive(repo_id):
        assert await asyncio.to_thread(git_children) == []


async def test_a_client_that_stalls_counts_as_gone(storage, repo_id, work) -> None:
    _, data = await push_body(work)
    with pytest.raises(BadRequest, match="ended before its end"):
        await push(storage, repo_id, Upload(data).chunks(), stall=0.01)
    async with storage.exclusive(repo_id):
        assert await asyncio.to_thread(git_children) == []


async def test_ending_the_packs_of_a_lease_waits_for_them(storage, repo_id, work) -> None:
    _, data = await push_body(work)
    upload = Upload(data)
    pushing = asyncio.create_task(push(storage, repo_id, upload.chunks(), pack_key="lease-1"))
    await upload.halfway.wait()
    await storage.end_packs("another")
    assert not pushing.done()
    await storage.end_packs("lease-1")
    assert git_children() == []
    with pytest.raises(LeaseLost):
        await pushing
    assert leftovers(storage, repo_id) == []
    assert await refs.resolve(storage, repo_id, "main") is None


async def test_a_child_that_ignores_sigterm_is_killed(
    storage, repo_id, work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pack, "GRACE", 0.01)
    reached = asyncio.Event()

    async def never() -> bool:
        reached.set()
        await asyncio.Event().wait()
        return True

    hook = storage.asking_hooks / "pre-receive"
    hook.write_text(hook.read_text().replace("#!/bin/sh\n", "#!/bin/sh\ntrap '' TERM\n", 1))
    _, data = await push_body(work)
    upload = Upload(data)
    upload.resume.set()
    pushing = asyncio.create_task(
        push(
            storage,
            repo_id,
            upload.chunks(),
            pack_key="lease-1",
            policy=PushPolicy(still_allowed=never),
        )
    )
    await reached.wait()
    await storage.end_packs("lease-1")
    assert await refs.resolve(storage, repo_id, "main") is None
    pushing.cancel()
    await asyncio.wait({pushing})


async def test_a_push_that_waits_for_its_turn_can_be_ended(
    storage, repo_id, work, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken, queued = asyncio.Semaphore(0), asyncio.Event()

    def slot(service: str) -> asyncio.Semaphore:
        queued.set()
        return taken

    monkeypatch.setattr(storage, "slot", slot)
    _, data = await push_body(work)
    upload = Upload(data)
    upload.resume.set()
    pushing = asyncio.create_task(push(storage, repo_id, upload.chunks(), pack_key="lease-1"))
    await queued.wait()
    await storage.end_packs("lease-1")
    with pytest.raises(LeaseLost):
        await pushing


async def test_deleting_ends_the_packs_and_refuses_new_ones(storage, repo_id, work) -> None:
    _, data = await push_body(work)
    upload = Upload(data)
    pushing = asyncio.create_task(push(storage, repo_id, upload.chunks()))
    await upload.halfway.wait()
    await storage.delete(repo_id)
    with pytest.raises(NotFound):
        await pushing
    assert not storage.exists(repo_id)
    with pytest.raises(NotFound):
        await push(storage, repo_id, Upload(data).chunks())


async def test_closing_ends_everything_in_order(storage, repo_id, work) -> None:
    _, data = await push_body(work)
    upload = Upload(data)
    pushing = asyncio.create_task(push(storage, repo_id, upload.chunks(), pack_key="lease-1"))
    await upload.halfway.wait()
    await storage.close()
    assert git_children() == []
    with pytest.raises(Unavailable):
        await pushing
    assert leftovers(storage, repo_id) == []


async def test_a_reader_that_leaves_takes_its_child_with_it(storage, repo_id, work) -> None:
    await work.git("config", "pack.window", "0")
    await work.commit({"a": os.urandom(8_000_000)})
    await work.git("push", "-q", "store", "main")
    head = await work.head()
    wants = b"".join(
        [
            encode(b"command=fetch"),
            encode(b"object-format=sha1"),
            b"0001",
            encode(f"want {head}\n".encode()),
            encode(b"done\n"),
            b"0000",
        ]
    )

    async def body() -> AsyncIterator[bytes]:
        yield wants

    stream = await smart_http.serve(
        storage,
        repo_id,
        smart_http.UPLOAD_PACK,
        body(),
        protocol_header="version=2",
        policy=PushPolicy(),
    )
    assert await anext(stream)
    await stream.aclose()
    async with storage.exclusive(repo_id):
        assert git_children() == []


async def test_a_push_that_was_complete_counts_though_its_client_left(
    storage, repo_id, work
) -> None:
    head, data = await push_body(work)
    told: asyncio.Future[list] = asyncio.get_running_loop().create_future()
    asked, answer = asyncio.Event(), asyncio.Event()

    async def on_updated(commands: list) -> None:
        told.set_result(commands)

    async def still_allowed() -> bool:
        asked.set()
        await answer.wait()
        return True

    upload = Upload(data)
    upload.resume.set()
    pushing = asyncio.create_task(
        push(
            storage,
            repo_id,
            upload.chunks(),
            on_updated=on_updated,
            policy=PushPolicy(still_allowed=still_allowed),
        )
    )
    await asked.wait()
    pushing.cancel()
    await asyncio.wait({pushing})
    answer.set()
    assert await told == [(ZERO, head, "refs/heads/main")]


async def test_a_gzipped_push_and_one_that_lies_about_it(storage, repo_id, work) -> None:
    _, data = await push_body(work)

    async def body(data: bytes) -> AsyncIterator[bytes]:
        yield data

    for wrong in (data, gzip.compress(data)[:-20]):
        with pytest.raises(BadRequest):
            await push(storage, repo_id, body(wrong), content_encoding="gzip")
    assert await refs.resolve(storage, repo_id, "main") is None
    answer = await push(storage, repo_id, body(gzip.compress(data)), content_encoding="gzip")
    report = parse_report(answer)
    assert (report.unpack, report.refs) == ("ok", {"refs/heads/main": None})


async def test_a_pack_that_is_broken_is_reported_and_moves_nothing(storage, repo_id, work) -> None:
    head = await work.commit({"a": "0"})
    commands = encode_push_request([(ZERO, head, "refs/heads/main")], CAPABILITIES)
    empty = b"PACK" + struct.pack(">II", 2, 0)
    broken = b"PACK" + struct.pack(">II", 2, 1) + b"\x95" + zlib.compress(b"x")

    async def body(pack: bytes) -> AsyncIterator[bytes]:
        yield commands + pack + sha1(pack, usedforsecurity=False).digest()

    for pack_bytes in (empty, broken):
        report = parse_report(await push(storage, repo_id, body(pack_bytes)))
        assert report.refs["refs/heads/main"] is not None
    assert await refs.resolve(storage, repo_id, "main") is None


@pytest.mark.parametrize(("works", "failure"), [(True, BadRequest), (False, GitFailed)])
async def test_git_that_dies_without_a_word_blames_the_request_while_the_repository_answers(
    storage, repo_id, works: bool, failure: type[Exception]
) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield encode(b"command=nonsense") + b"0000"

    if not works:
        (storage.path(repo_id) / "config").write_text("[broken")
    with pytest.raises(failure, match="nonsense" if works else "bad config"):
        await smart_http.serve(
            storage,
            repo_id,
            smart_http.UPLOAD_PACK,
            body(),
            protocol_header="version=2",
            policy=PushPolicy(),
        )


async def test_a_push_that_asks_for_no_report_is_refused(storage, repo_id, work) -> None:
    head = await work.commit({"a": "0"})

    async def body() -> AsyncIterator[bytes]:
        yield encode_push_request([(ZERO, head, "refs/heads/main")], ["side-band-64k"])
        yield await packed(work, head)

    with pytest.raises(BadRequest, match="report"):
        await push(storage, repo_id, body())
    assert await refs.resolve(storage, repo_id, "main") is None
