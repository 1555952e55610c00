"""The request body: inflated, bounded, looked into."""

from __future__ import annotations

import asyncio
import gzip
import os
from collections.abc import AsyncIterator

import pytest

from lazyaf.domain.errors import BadRequest, TooLarge
from lazyaf.git.body import PIECE, Body, ClientGone


async def chunks(*parts: bytes | Exception) -> AsyncIterator[bytes]:
    for part in parts:
        if isinstance(part, Exception):
            raise part
        yield part


def body(*parts: bytes | Exception, encoding: str | None = None, limit: int = 1_000_000) -> Body:
    return Body(chunks(*parts), content_encoding=encoding, limit=limit, stall=60)


async def whole(source: Body) -> bytes:
    read = b""
    while piece := await source.read():
        read += piece
    return read


async def test_a_look_ahead_takes_nothing_away() -> None:
    source = body(b"00", b"", b"00rest", b" of it")
    assert await source.peek(5) == b"0000r"
    assert await source.peek(2) == b"00"
    first = await source.read()
    source.unread(first)
    assert await whole(source) == b"0000rest of it"
    assert await body(b"0000").peek(5) == b"0000"


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", " GZIP "])
async def test_gzip_is_inflated_piece_by_piece(encoding: str) -> None:
    data = os.urandom(1_000) * 500
    packed = gzip.compress(data, mtime=0)
    source = body(packed[:10], packed[10:700], packed[700:], encoding=encoding)
    assert len(await source.read()) <= PIECE
    assert await source.peek(1)
    assert len(await whole(source)) > PIECE


async def test_a_small_body_that_inflates_endlessly_is_stopped() -> None:
    bomb = gzip.compress(bytes(50_000_000))
    with pytest.raises(TooLarge):
        await whole(body(bomb, encoding="gzip"))


async def test_a_body_over_its_limit_is_stopped_also_while_it_is_discarded() -> None:
    with pytest.raises(TooLarge):
        await whole(body(b"x" * 11, limit=10))
    with pytest.raises(TooLarge):
        await body(b"x" * 6, b"x" * 6, limit=10).discard()


@pytest.mark.parametrize("part", [b"no gzip at all", gzip.compress(b"x" * 99, mtime=0)[:-9]])
async def test_broken_gzip_is_a_bad_request(part: bytes) -> None:
    with pytest.raises(BadRequest):
        await whole(body(part, encoding="gzip"))


async def test_other_encodings_are_refused() -> None:
    with pytest.raises(BadRequest):
        body(encoding="br")


async def test_whatever_the_transport_raises_means_that_the_client_is_gone() -> None:
    with pytest.raises(ClientGone):
        await whole(body(b"x", RuntimeError("disconnect")))


async def test_silence_means_that_the_client_is_gone() -> None:
    async def silent() -> AsyncIterator[bytes]:
        await asyncio.Event().wait()
        yield b""

    with pytest.raises(ClientGone):
        await Body(silent(), content_encoding=None, limit=1, stall=0).read()
