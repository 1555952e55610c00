"""The runner's side of the protocol: one method per request, retried by the one table.

Every method either returns the server's answer or raises: `LeaseLost` (stop, keep the work as an
orphan), `Refused` (the request is wrong and stays wrong), `ServerAbsent` (nothing was heard for the
grace period). Sleep and randomness are parameters, so that tests need no time.
"""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import random
import ssl
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import quote, urlsplit

import httpx2
import structlog
from pydantic import BaseModel, TypeAdapter, ValidationError

from lazyaf.domain.errors import LeaseLost
from lazyaf.protocol import LEASE_HEADER, PREFIX
from lazyaf.protocol.entries import Entry
from lazyaf.protocol.messages import (
    CheckpointRequest,
    ClaimRequest,
    Command,
    ControlResponse,
    FinishRequest,
    FinishResponse,
    HeartbeatRequest,
    HeartbeatResponse,
    Job,
    LeftoversRequest,
    LeftoversResponse,
    LogResponse,
    RegisterRequest,
    RegisterResponse,
    SessionRequest,
    SessionResponse,
)
from lazyaf.protocol.retry import (
    CONNECT_TIMEOUT_S,
    LONG_POLL_S,
    READ_TIMEOUT_S,
    RETRY_FIRST_S,
    RETRY_MAX_S,
    Reaction,
    reaction_to,
)
from lazyaf.runner.config import DEFAULT_GRACE_S, RunnerConfig

log = structlog.get_logger(__name__)

Sleep = Callable[[float], Awaitable[None]]
M = TypeVar("M", bound=BaseModel)
Body = BaseModel | bytes | None
_ENTRIES: Final = TypeAdapter(list[Entry])
RETRY_AFTER_MAX_S: Final = 60.0


class Refused(Exception):
    """The server said no and will say it again. ``extra`` are the members of its problem+json."""

    def __init__(self, status: int, code: str, detail: str, extra: dict[str, object]) -> None:
        super().__init__(f"{status} {code}: {detail}")
        self.status = status
        self.code = code
        self.detail = detail
        self.extra = extra


class ServerAbsent(Exception):
    """Nothing was heard from the server for longer than the grace period."""


def retry_delay(attempt: int, retry_after: str | None, jitter: float) -> float:
    """Seconds before retry number ``attempt`` (from 0); ``jitter`` is in [0, 1).

    ``Retry-After`` in seconds wins, up to a minute; otherwise 0.2 s · 2ⁿ, at most 5 s, of which half
    is random, so that many runners do not come back at the same instant.
    """
    if retry_after is not None and retry_after.strip().isdigit():
        return min(float(retry_after), RETRY_AFTER_MAX_S)
    delay = min(RETRY_FIRST_S * 2.0 ** min(attempt, 16), RETRY_MAX_S)
    return delay * (0.5 + jitter / 2)


def is_loopback(url: str) -> bool:
    """Whether the server is on this machine, where no proxy must come between."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def trust(url: str) -> ssl.SSLContext:
    """Whom a client of this server trusts. Without TLS nobody: reading the machine's authorities, and once
    more for each proxy of the environment, would take longer than all else that a client needs."""
    if urlsplit(url).scheme == "https":
        return httpx2.create_ssl_context(trust_env=not is_loopback(url))
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class ServerClient:
    """Speaks to the server as one runner. Use as an async context manager."""

    def __init__(
        self,
        config: RunnerConfig,
        *,
        sleep: Sleep = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._sleep = sleep
        self._jitter = jitter
        self._monotonic = monotonic
        self._registration: RegisterRequest | None = None
        self._heard_at = monotonic()
        self.grace_s = DEFAULT_GRACE_S if config.grace_s is None else config.grace_s
        self.heartbeat_s = 10.0
        self.http = httpx2.AsyncClient(
            base_url=config.server.rstrip("/"),
            headers={"Authorization": f"Bearer {config.token}"},
            timeout=httpx2.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
            trust_env=not is_loopback(config.server),
            verify=trust(config.server),
        )

    async def __aenter__(self) -> ServerClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.aclose()

    @property
    def absent_s(self) -> float:
        """Seconds since the server last answered."""
        return self._monotonic() - self._heard_at

    async def register(self, request: RegisterRequest) -> RegisterResponse:
        """Say who this is; repeated by itself whenever the server does not know it any more."""
        self._registration = request
        answer = await self._call("POST", "/register", request, RegisterResponse)
        self.heartbeat_s = answer.heartbeat_s
        if self._config.grace_s is None:
            self.grace_s = answer.grace_s
        return answer

    async def claim(self, claim_id: str, wait: float = LONG_POLL_S) -> Job | None:
        """A job, or None when there was none for ``wait`` seconds. Repeats the same claim until it
        is answered, so that a lost answer costs nothing (rule R12)."""
        request = ClaimRequest(instance_id=self._config.instance_id, claim_id=claim_id, wait=wait)
        response = await self._send("POST", "/claim", body=request)
        return None if response.status_code == 204 else Job.model_validate_json(response.content)

    async def heartbeat(self, *, draining: bool) -> HeartbeatResponse:
        """Say that this runner lives."""
        request = HeartbeatRequest(instance_id=self._config.instance_id, draining=draining)
        return await self._call("POST", "/heartbeat", request, HeartbeatResponse)

    async def leftovers(self, request: LeftoversRequest) -> LeftoversResponse:
        """What the server knows of what lies about here. `Refused` by one that does not tell."""
        return await self._call("POST", "/leftovers", request, LeftoversResponse)

    async def log(self, job: Job, first: int, entries: Sequence[Entry]) -> int:
        """Send entries numbered from ``first``; the last number that the server holds."""
        told = _ENTRIES.dump_json(list(entries), exclude_defaults=True)
        request = b'{"src_seq":%d,"entries":%b}' % (first, told)  # a `LogRequest`
        return (await self._call("POST", _at(job, "log"), request, LogResponse, job)).stored

    async def stored(self, job: Job) -> int:
        """The number of the last entry that the server holds of this attempt."""
        return (await self._call("GET", _at(job, "log"), None, LogResponse, job)).stored

    async def control(
        self, job: Job, after: int, heard: int, wait: float = LONG_POLL_S
    ) -> list[Command]:
        """Commands after number ``after``, at once when there are some; those up to ``heard`` were
        dealt with."""
        path = f"{_at(job, 'control')}?after={after}&heard={heard}&wait={wait:g}"
        return (await self._call("GET", path, None, ControlResponse, job)).commands

    async def checkpoint(self, job: Job, request: CheckpointRequest) -> None:
        """Record what was pushed."""
        await self._send("POST", _at(job, "checkpoint"), body=request, job=job)

    async def keep_session(self, job: Job, request: SessionRequest) -> None:
        """Record the session that was pushed."""
        await self._send("POST", _at(job, "session"), body=request, job=job)

    async def kept_session(self, job: Job) -> SessionResponse:
        """What the server keeps of the session that the job goes on with."""
        return await self._call("GET", _at(job, "session"), None, SessionResponse, job)

    async def finish(self, job: Job, request: FinishRequest) -> FinishResponse:
        """Close the attempt; idempotent by its lease."""
        return await self._call("POST", _at(job, "finish"), request, FinishResponse, job)

    async def attachment(self, job: Job, attachment_id: str, into: Path) -> str:
        """Bring a file that is attached to the job's card into a new one; the SHA-256 of what came."""
        path = f"{_at(job, 'attachments')}/{quote(attachment_id, safe='')}"
        await self._send("GET", path, job=job, into=into)
        return await asyncio.to_thread(_sha256, into)

    async def _call(
        self,
        method: str,
        path: str,
        body: Body,
        answer: type[M],
        job: Job | None = None,
    ) -> M:
        response = await self._send(method, path, body=body, job=job)
        try:
            return answer.model_validate_json(response.content)
        except ValidationError as error:
            raise Refused(response.status_code, "not_understood", str(error), {}) from None

    async def _send(
        self,
        method: str,
        path: str,
        *,
        body: Body = None,
        job: Job | None = None,
        into: Path | None = None,
    ) -> httpx2.Response:
        """Send until there is an answer that is not to be retried; with ``into`` its body, if it is a
        success, goes into that file and never whole into memory."""
        headers = {} if job is None else {LEASE_HEADER: job.lease}
        content = _content(body)
        if content is not None:
            headers["Content-Type"] = "application/json"
        attempt = 0
        while True:
            response = await self._once(method, PREFIX + path, headers, content, into)
            reaction = Reaction.RETRY
            if response is not None:
                reaction = self._react(response)
            if response is not None and reaction is Reaction.ACCEPT:
                return response
            await self._before_retry(reaction, attempt, path, response)
            attempt += 1

    async def _once(
        self,
        method: str,
        path: str,
        headers: dict[str, str],
        content: bytes | None,
        into: Path | None,
    ) -> httpx2.Response | None:
        """One try; None when the connection failed."""
        try:
            if into is None:
                return await self.http.request(method, path, headers=headers, content=content)
            async with self.http.stream(method, path, headers=headers) as response:
                await _save(response, into)
                return response
        except httpx2.TransportError as error:
            log.debug("runner.unreachable", path=path, error=type(error).__name__)
            return None

    def _react(self, response: httpx2.Response) -> Reaction:
        """What to do about an answer; raises where nothing can be done."""
        if response.status_code < 500:
            self._heard_at = self._monotonic()
        problem = _problem(response)
        code = str(problem.get("code", ""))
        reaction = reaction_to(response.status_code, code)
        if reaction is Reaction.FENCED:
            raise LeaseLost(str(problem.get("detail", "The lease is lost.")))
        if reaction is Reaction.GIVE_UP:
            detail = str(problem.get("detail", response.reason_phrase))
            raise Refused(response.status_code, code, detail, problem)
        return reaction

    async def _before_retry(
        self, reaction: Reaction, attempt: int, path: str, response: httpx2.Response | None
    ) -> None:
        """Wait, and register again if that is what is missing. Raises `ServerAbsent`."""
        if self.absent_s > self.grace_s:
            raise ServerAbsent(f"The server has not answered for {self.absent_s:.0f} s.")
        after = None if response is None else response.headers.get("Retry-After")
        delay = retry_delay(attempt, after, self._jitter())
        log.info(
            "runner.retry", path=path.partition("?")[0], attempt=attempt, delay_s=round(delay, 2)
        )
        await self._sleep(delay)
        if reaction is Reaction.REREGISTER and self._registration and path != "/register":
            await self.register(self._registration)


async def _save(response: httpx2.Response, into: Path) -> None:
    if response.status_code != 200:
        await response.aread()
        return
    file = await asyncio.to_thread(into.open, "wb")
    try:
        async for chunk in response.aiter_bytes():
            await asyncio.to_thread(file.write, chunk)
    finally:
        await asyncio.to_thread(file.close)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _content(body: Body) -> bytes | None:
    """A message without its defaults: a server that is older does not know the newest members."""
    if isinstance(body, BaseModel):
        return body.model_dump_json(exclude_defaults=True).encode()
    return body


def _at(job: Job, verb: str) -> str:
    return f"/jobs/{job.job_id}/{verb}"


def _problem(response: httpx2.Response) -> dict[str, object]:
    """The members of a problem+json answer; empty for anything else."""
    if response.status_code < 400 or "json" not in response.headers.get("Content-Type", ""):
        return {}
    try:
        said = response.json()
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
