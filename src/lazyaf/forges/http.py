"""The one way a forge is spoken to: JSON over HTTP, bounded in time and size.

A token is sent to the address that was asked for and nowhere else: no redirect is followed. What comes back
is never trusted to be of any shape.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from lazyaf import __version__
from lazyaf.domain.errors import Unavailable

if TYPE_CHECKING:  # it takes an eighth of a second, which a server that asks no forge need not
    import httpx2

TOTAL_S: Final = 20.0
"""How long a question may take, from its beginning to the last byte of the answer."""
BYTES_MAX: Final = 4 * 1024 * 1024
"""What an answer may have; a page of fifty pull requests has some hundred KB."""
AGENT: Final = f"LazyAF/{__version__}"
"""GitHub refuses whoever does not say who asks."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a forge said; ``body`` is the JSON, None where it was none."""

    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def is_done(self) -> bool:
        """Whether it did what it was asked."""
        return 200 <= self.status < 300

    @property
    def etag(self) -> str | None:
        """By which to ask whether it is still the same."""
        return self.headers.get("etag")


class ForgeHttp:
    """Keeps connections to forges; made when first needed. Belongs to one event loop."""

    def __init__(self, *, total_s: float = TOTAL_S, bytes_max: int = BYTES_MAX) -> None:
        self._total_s = total_s
        self._bytes_max = bytes_max
        self._clients: dict[tuple[bool, bool], httpx2.AsyncClient] = {}
        self._making = asyncio.Lock()

    async def ask(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        query: Mapping[str, str | int] | None = None,
        body: Mapping[str, object] | None = None,
    ) -> Answer:
        """Send one request; whatever the forge answers is an `Answer`.

        Raises `Unavailable` ``forge_unreachable`` when there is none, or none that is bearable.
        """
        import httpx2

        client = await self._client(url)
        host = urlsplit(url).netloc
        try:
            async with asyncio.timeout(self._total_s):
                async with client.stream(
                    method, url, params=query, json=body, headers={"User-Agent": AGENT, **headers}
                ) as response:
                    text = await self._read(response, host)
                    return Answer(response.status_code, response.headers, _decoded(text))
        except TimeoutError:
            raise _unreachable(f"{host} did not answer within {self._total_s:g} seconds.") from None
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
            # Its own words: a name that is not known, a certificate that is not trusted.
            said = str(error) or type(error).__name__
            raise _unreachable(f"{host} could not be reached: {said[:300]}.") from None

    async def close(self) -> None:
        """Close every connection."""
        for client in self._clients.values():
            await client.aclose()
        self._clients.clear()

    async def _read(self, response: httpx2.Response, host: str) -> bytes:
        found = bytearray()
        async for chunk in response.aiter_bytes():
            found += chunk
            if len(found) > self._bytes_max:
                raise _unreachable(f"{host} answered with more than anybody would read.")
        return bytes(found)

    async def _client(self, url: str) -> httpx2.AsyncClient:
        """The machine's proxies and authorities count, but between us and this machine nobody comes."""
        import httpx2

        is_here, is_plain = is_loopback(url), url.startswith("http://")
        async with self._making:
            if (is_here, is_plain) not in self._clients:
                self._clients[is_here, is_plain] = httpx2.AsyncClient(
                    # Reading the machine's authorities takes a while, and a proxy may want TLS, too.
                    verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                    if is_here and is_plain
                    else await asyncio.to_thread(httpx2.create_ssl_context, trust_env=not is_here),
                    follow_redirects=False,
                    trust_env=not is_here,
                    timeout=self._total_s,
                )
            return self._clients[is_here, is_plain]


def is_loopback(url: str) -> bool:
    """Whether this is an address of this machine alone."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _decoded(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _unreachable(detail: str) -> Unavailable:
    return Unavailable(f"{detail} Try again in a while.", code="forge_unreachable")
