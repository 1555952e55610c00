"""A request body of git's as the server reads it: inflated, bounded, with a look at its head.

The chunks come from whoever speaks HTTP. Anything that iterator raises means that the client is
gone; it passes through as `ClientGone`.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator
from typing import Final

from lazyaf.domain.errors import BadRequest, TooLarge

PIECE: Final = 65_536
"""Bytes that are inflated at once."""


class ClientGone(Exception):
    """The body ended before its end, or nothing came for too long."""


class Body:
    """``limit`` counts inflated bytes, ``stall`` the seconds that a client may stay silent."""

    def __init__(
        self,
        chunks: AsyncIterator[bytes],
        *,
        content_encoding: str | None,
        limit: int,
        stall: float,
    ) -> None:
        encoding = (content_encoding or "identity").strip().lower()
        if encoding not in {"identity", "gzip", "x-gzip"}:
            raise BadRequest(f"A git body cannot be encoded as {encoding!r}.")
        self._chunks = chunks
        self._inflater = None if encoding == "identity" else zlib.decompressobj(31)
        self._packed = b""
        self._ahead = b""
        self._left = limit
        self._stall = stall

    async def peek(self, size: int) -> bytes:
        """The next ``size`` bytes, or all that is left; they will be read again."""
        while len(self._ahead) < size and (piece := await self._next()):
            self._ahead += piece
        return self._ahead[:size]

    async def read(self) -> bytes:
        """The next piece, empty at the end. Raises `TooLarge`, `BadRequest`, `ClientGone`."""
        if self._ahead:
            piece, self._ahead = self._ahead, b""
            return piece
        return await self._next()

    def unread(self, piece: bytes) -> None:
        """Give back what was read too far."""
        self._ahead = piece + self._ahead

    async def discard(self) -> None:
        """Read what is left without inflating it, so that the client gets to hear the answer."""
        self._ahead = b""
        while chunk := await self._receive():
            self._count(chunk)

    async def _next(self) -> bytes:
        if self._inflater is None:
            return self._count(await self._receive())
        while not self._inflater.eof:
            if not self._packed and not (chunk := await self._receive()):
                raise BadRequest("The gzip body is cut short.")
            self._packed = self._packed or chunk
            piece = self._inflate(self._inflater)
            if piece:
                return self._count(piece)
        return b""

    def _inflate(self, inflater: zlib._Decompress) -> bytes:
        try:
            piece = inflater.decompress(self._packed, PIECE)
        except zlib.error:
            raise BadRequest("The body says gzip, but is none.") from None
        self._packed = inflater.unconsumed_tail
        return piece

    def _count(self, piece: bytes) -> bytes:
        self._left -= len(piece)
        if self._left < 0:
            raise TooLarge("This request is larger than the server takes.")
        return piece

    async def _receive(self) -> bytes:
        """The next chunk that has bytes in it."""
        try:
            async with asyncio.timeout(self._stall):
                async for chunk in self._chunks:
                    if chunk:
                        return bytes(chunk)
                return b""
        except TimeoutError:
            raise ClientGone from None
        except Exception as gone:
            raise ClientGone from gone
