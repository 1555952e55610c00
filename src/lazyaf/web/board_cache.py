"""Answers unchanged lists from memory: a version per board, an ETag, and the compressed bytes.

The version grows after each commit that touched the board and before anyone is answered, so a cached
list is never older than what its reader may already know.
"""

from __future__ import annotations

import asyncio
import gzip
import secrets
import sys
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from lazyaf.domain.events import EventType, NewEvent

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_QUEUE: Final = frozenset(
    {
        EventType.JOB_QUEUED,
        EventType.JOB_CLAIMED,
        EventType.JOB_REQUEUED,
        EventType.JOB_FINISHED,
        EventType.CARD_UPDATED,  # its priority or position may have changed
        EventType.REPO_UPDATED,  # and from here on: what holds a card
        EventType.SETTINGS_UPDATED,
        EventType.RUNNER_REGISTERED,
        EventType.RUNNER_UPDATED,
        EventType.RUNNER_WENT_OFFLINE,
        EventType.DISK_RAN_LOW,
        EventType.DISK_HAS_ROOM,
        EventType.POOL_PREPARING,
    }
)
"""After these a card of any repository may stand elsewhere in the one queue, or wait for something else."""

_NAMES: Final = frozenset(
    {
        EventType.REPO_CREATED,
        EventType.REPO_UPDATED,
        EventType.REPO_INGESTED,
        EventType.REPO_DELETED,
    }
)
"""After these a name may mean another repository."""

ALL: Final = ""
"""In place of a repository's id: the board of all of them."""

ENTRIES: Final = 64
LEVEL: Final = {"zstd": 1, "gzip": 1}
"""The lowest: on these bodies zstd 1 takes half the time of 3, and its result is smaller."""


@dataclass(slots=True)
class CachedBody:
    """A JSON body and its compressed forms, made when first asked for."""

    version: int
    etag: str
    raw: bytes
    encoded: dict[str, bytes] = field(default_factory=dict)


class BoardCache:
    """List bodies by repository and query."""

    def __init__(self) -> None:
        # Versions begin at 0 in every process, so a tag must not outlive it.
        self._life = secrets.token_hex(4)
        self._versions: dict[str, int] = {}
        self._queue_version = 0
        self._bodies: OrderedDict[tuple[str, str], CachedBody] = OrderedDict()
        self._ids: dict[str, str] = {}

    def on_commit(self, events: Sequence[NewEvent]) -> None:
        """Outdate the boards that these events touch."""
        for event in events:
            if event.type in _QUEUE:
                self._queue_version += 1
            if event.repo_id is not None:
                self._outdate(event.repo_id)
                self._outdate(ALL)
            if event.type in _NAMES:
                self._ids = {}
                self._outdate(ALL)

    def _outdate(self, repo_id: str) -> None:
        self._versions[repo_id] = self._versions.get(repo_id, 0) + 1

    def version(self, repo_id: str) -> int:
        """The present version; read it before the data."""
        return self._queue_version + self._versions.get(repo_id, 0)

    @property
    def ids(self) -> dict[str, str]:
        """Ids of repositories by what they were asked for with. Take it before you look one up and
        put that into what you took: after a change of names it is another one."""
        return self._ids

    def find(self, repo_id: str, query: str) -> CachedBody | None:
        """The body for this query, if it is still right."""
        body = self._bodies.get((repo_id, query))
        return body if body is not None and body.version == self.version(repo_id) else None

    def put(self, repo_id: str, query: str, version: int, raw: bytes) -> CachedBody:
        """Keep a body that was made of data not older than ``version``."""
        tag = f'"{self._life}-{version}-{hash(query) & 0xFFFFFF:x}-{len(raw):x}"'
        body = CachedBody(version, tag, raw)
        self._bodies[repo_id, query] = body
        self._bodies.move_to_end((repo_id, query))
        while len(self._bodies) > ENTRIES:
            self._bodies.popitem(last=False)
        return body


async def respond(request: Request, body: CachedBody) -> Response:
    """304 when the client has it, otherwise the body as compressed as the client likes."""
    headers = {"ETag": body.etag, "Cache-Control": "private, no-cache", "Vary": "Accept-Encoding"}
    if request.headers.get("if-none-match") == body.etag:
        return Response(status_code=304, headers=headers)
    accepted = request.headers.get("accept-encoding", "")
    encoding = next((name for name in LEVEL if name in accepted), None)
    if encoding is None:
        return Response(body.raw, media_type="application/json", headers=headers)
    if encoding not in body.encoded:
        body.encoded[encoding] = await asyncio.to_thread(_encode, encoding, body.raw)
    headers["Content-Encoding"] = encoding
    return Response(body.encoded[encoding], media_type="application/json", headers=headers)


def _encode(encoding: str, raw: bytes) -> bytes:
    if encoding == "zstd":
        return zstd.compress(raw, LEVEL["zstd"])
    return gzip.compress(raw, LEVEL["gzip"])
