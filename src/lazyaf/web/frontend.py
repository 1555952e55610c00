"""Serves the built UI: every path that is no file is the app, with a strict policy of its own.

Files are read and compressed once, in a thread, and then kept: the whole build is a few megabytes.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
import mimetypes
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from lazyaf.web.errors import problem

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

IMMUTABLE: Final = "public, max-age=31536000, immutable"
_INLINE: Final = re.compile(r"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", re.DOTALL)
_TEXTUAL: Final = ("text/", "application/javascript", "application/json", "image/svg")

SECURITY: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is served."""

    body: bytes
    zstd: bytes | None
    gzip: bytes | None
    etag: str
    media_type: str


class Frontend:
    """The single-page app in a directory."""

    def __init__(self, dist: Path) -> None:
        self._dist = dist
        self._assets: dict[str, Asset] = {}

    async def serve(self, request: Request) -> Response:
        """The file of this path, or the app itself."""
        path = request.url.path.lstrip("/")
        asset = await self._asset(path) if path else None
        if asset is None and path.startswith("_app/"):
            return problem(404, "not_found", "Not found", "There is no such file in this build.")
        if asset is not None:
            caching = IMMUTABLE if path.startswith("_app/immutable/") else "no-cache"
            return _answer(request, asset, {"Cache-Control": caching})
        index = await self._asset("index.html")
        if index is None:
            return problem(
                503,
                "no_ui",
                "The UI is not built",
                "Run `make setup` in the checkout, then start the server again.",
            )
        policy = content_security_policy(index.body.decode())
        headers = {"Cache-Control": "no-cache", "Content-Security-Policy": policy}
        return _answer(request, index, headers)

    async def _asset(self, path: str) -> Asset | None:
        known = self._assets.get(path)
        if known is not None:
            return known
        found = await asyncio.to_thread(self._load, path)
        if found is not None and path.startswith("_app/immutable/"):
            self._assets[path] = found
        return found

    def _load(self, path: str) -> Asset | None:
        try:
            file = (self._dist / path).resolve()
            if not file.is_relative_to(self._dist.resolve()) or not file.is_file():
                return None
            body = file.read_bytes()
        except (OSError, ValueError):  # a name that no file can have
            return None
        media_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        textual = media_type.startswith(_TEXTUAL)
        digest = hashlib.sha256(body).hexdigest()[:16]
        return Asset(
            body,
            zstd.compress(body, 9) if textual else None,
            gzip.compress(body, 9) if textual else None,
            f'"{digest}"',
            media_type,
        )


def _answer(request: Request, asset: Asset, headers: dict[str, str]) -> Response:
    headers = {**SECURITY, **headers, "ETag": asset.etag, "Vary": "Accept-Encoding"}
    if request.headers.get("if-none-match") == asset.etag:
        return Response(status_code=304, headers=headers)
    accepted = request.headers.get("accept-encoding", "")
    body = asset.body
    if asset.zstd is not None and "zstd" in accepted:
        body, headers["Content-Encoding"] = asset.zstd, "zstd"
    elif asset.gzip is not None and "gzip" in accepted:
        body, headers["Content-Encoding"] = asset.gzip, "gzip"
    return Response(body, media_type=asset.media_type, headers=headers)


def content_security_policy(index: str) -> str:
    """Nothing from elsewhere; of inline scripts only the build's own, by their hashes."""
    hashes = [
        "'sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() + "'"
        for script in _INLINE.findall(index)
    ]
    return "; ".join(
        [
            "default-src 'self'",
            f"script-src 'self' {' '.join(hashes)}".strip(),
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "connect-src 'self'",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        ]
    )
