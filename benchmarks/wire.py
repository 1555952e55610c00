"""The leanest keep-alive HTTP client that serves here: prepared bytes out, status and body in.

A full client costs more than the server per request, and would be what is measured.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit


class Wire:
    """One keep-alive connection."""

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._common = f"Host: {parts.netloc}\r\nAuthorization: Bearer {token}\r\n"

    async def open(self) -> Wire:
        """Connect."""
        self._reader, self._writer = await asyncio.open_connection(
            self._host, self._port, limit=16 * 1024 * 1024
        )
        return self

    async def reopen(self) -> None:
        """Connect anew: the server lets go of connections on which nothing is said."""
        await self.close()
        await self.open()

    async def close(self) -> None:
        """Hang up."""
        self._writer.close()
        await self._writer.wait_closed()

    def prepare(self, method: str, path: str, body: Any = None, headers: str = "") -> bytes:
        """A request as bytes; ``headers`` are further lines, each ending in CRLF."""
        content = b"" if body is None else json.dumps(body).encode()
        kind = "" if body is None else "Content-Type: application/json\r\n"
        start = f"{method} {path} HTTP/1.1\r\n{self._common}{headers}{kind}"
        return f"{start}Content-Length: {len(content)}\r\n\r\n".encode() + content

    async def send(self, request: bytes) -> tuple[int, dict[str, str], bytes]:
        """Status, headers (lower case) and body of the answer."""
        status, headers = await self._head(request)
        return status, headers, b"".join([piece async for piece in self._body(status, headers)])

    async def stream(self, request: bytes) -> AsyncIterator[bytes]:
        """The body of an answer as it comes, none of which is kept."""
        status, headers = await self._head(request)
        async for piece in self._body(status, headers):
            yield piece

    async def _head(self, request: bytes) -> tuple[int, dict[str, str]]:
        self._writer.write(request)
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        status = int(head[0].split(" ", 2)[1])
        return status, {k.lower(): v for k, _, v in (h.partition(": ") for h in head[1:]) if k}

    async def _body(self, status: int, headers: dict[str, str]) -> AsyncIterator[bytes]:
        if status in (204, 304):
            return
        if headers.get("transfer-encoding") != "chunked":
            yield await self._reader.readexactly(int(headers.get("content-length", 0)))
            return
        while size := int(await self._reader.readline(), 16):
            yield (await self._reader.readexactly(size + 2))[:-2]
        await self._reader.readline()

    async def call(self, method: str, path: str, body: Any = None, headers: str = "") -> Any:
        """Send, and the decoded body of a success; anything else raises."""
        status, _, content = await self.send(self.prepare(method, path, body, headers))
        if status >= 400:
            raise RuntimeError(f"{method} {path}: {status} {content.decode()}")
        return json.loads(content) if content else None
