"""A scripted server for the runner: the real protocol on a real port, real git behind it, no database.

It hands out the jobs it is given, keeps what the runner sends by the protocol's own rules (gaps are
409, repeats are trimmed, a fenced lease is refused) and can be told to fail, to fence and to be away.
Tests wait with `until`, which returns on the request that makes a condition true.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from lazyaf.domain.errors import LazyafError
from lazyaf.git import smart_http
from lazyaf.git.policy import PushPolicy
from lazyaf.git.reach import reached
from lazyaf.git.storage import Storage
from lazyaf.protocol import LEASE_HEADER, PREFIX
from lazyaf.protocol.entries import Entry
from lazyaf.protocol.messages import (
    CheckpointRequest,
    ClaimRequest,
    FinishRequest,
    Job,
    LeftoversRequest,
    LeftoversResponse,
    SessionRequest,
)

TOKEN = "runner-token-0123456789"
REPO = "01900000-0000-7000-8000-000000000001"


@dataclass
class Ledger:
    """What the server holds of one attempt."""

    job: Job
    entries: list[Entry] = field(default_factory=list)
    checkpoints: list[CheckpointRequest] = field(default_factory=list)
    finish: FinishRequest | None = None
    fenced: bool = False
    commands: list[dict[str, Any]] = field(default_factory=list)
    received: int = 0
    heard: int = 0
    """Commands up to these the runner has, and has dealt with, as it says itself."""

    def texts(self, *kinds: str) -> list[str]:
        """The texts of the entries of these kinds."""
        return [entry.text for entry in self.entries if entry.kind.value in kinds]

    @property
    def phases(self) -> list[str | None]:
        """The phases in the order in which they were told."""
        return [entry.name for entry in self.entries if entry.kind.value == "phase"]


@dataclass
class Failure:
    """An answer to give instead of the right one, ``times`` times, to paths that end so."""

    suffix: str
    status: int
    times: int = 1
    body: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    after: bool = False
    """Do what was asked first: the answer is lost, not the request."""


class _Server(uvicorn.Server):
    """uvicorn in the tests' loop, that says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """The tests' signals are their own."""
        yield


class RunnerServer:
    """See the module. Use `running` around a test."""

    def __init__(self, root: Path) -> None:
        self.storage = Storage(root / "store")
        self.ledgers: dict[tuple[str, int], Ledger] = {}
        self.claims: dict[str, tuple[str, int]] = {}
        self.requests: list[str] = []
        self.pushes: list[int] = []
        """The bytes of each push."""
        self.failures: list[Failure] = []
        self.held: dict[str, asyncio.Event] = {}
        """Answers to hold back once, by the end of their path."""
        self.registrations: list[dict[str, Any]] = []
        self.drain = False
        self.deleted: set[str] = set()
        self.at_work: set[str] = set()
        self.heartbeat_s = 3600.0
        self.grace_s = 60.0
        self.push_limit = 2 * 1024**3
        self.sessions: dict[str, SessionRequest] | None = {}
        """What is kept of each card's conversation; None: of an age that kept none."""
        self.attachments: dict[str, bytes] = {}
        """What is attached to cards, by its id."""
        self._queue: list[Job] = []
        self._changed = asyncio.Condition()
        self._server: _Server | None = None
        self._serving: asyncio.Task[None] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[RunnerServer]:
        await self.start()
        try:
            yield self
        finally:
            await self.stop()

    async def start(self) -> None:
        """Listen, on the same port as before if there was one."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        self.port = listener.getsockname()[1]
        config = uvicorn.Config(
            self._app(), log_level="critical", lifespan="off", timeout_graceful_shutdown=0
        )
        self._server = _Server(config)
        self._serving = asyncio.ensure_future(self._server.serve([listener]))
        await self._server.listening.wait()

    async def stop(self) -> None:
        """Be gone: connections are cut, the port refuses."""
        if self._server is not None and self._serving is not None:
            self._server.should_exit = self._server.force_exit = True
            for connection in list(self._server.server_state.connections):
                connection.transport.abort()  # type: ignore[union-attr]
            await self._serving
            self._server = None

    async def queue(self, job: Job) -> Ledger:
        """Have a job to give."""
        ledger = self.ledgers[job.job_id, job.attempt] = Ledger(job)
        self._queue.append(job)
        await self._notify()
        return ledger

    async def command(self, ledger: Ledger, type_: str, text: str | None = None) -> None:
        """Say something to the running job."""
        number = len(ledger.commands) + 1
        ledger.commands.append({"id": number, "type": type_, "text": text})
        await self._notify()

    async def fence(self, ledger: Ledger) -> None:
        """Take the lease away."""
        ledger.fenced = True
        await self._notify()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for a request to make this true."""
        async with asyncio.timeout(60), self._changed:
            await self._changed.wait_for(condition)

    def was_asked(self, suffix: str) -> bool:
        """Whether a request came to a path that ends so."""
        return any(path.endswith(suffix) for path in self.requests)

    async def ref(self, name: str) -> str | None:
        """Where a ref stands."""
        done = await self.storage.git(REPO, ["rev-parse", "--verify", "-q", name], ok=(0, 1))
        return done.text or None

    async def show(self, what: str) -> str:
        """``git show`` in the repository."""
        return (await self.storage.git(REPO, ["show", what])).text

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    def _app(self) -> Starlette:
        job = PREFIX + "/jobs/{job_id}"
        routes = [
            Route(PREFIX + "/register", self._register, methods=["POST"]),
            Route(PREFIX + "/claim", self._claim, methods=["POST"]),
            Route(PREFIX + "/leftovers", self._leftovers, methods=["POST"]),
            Route(PREFIX + "/heartbeat", self._heartbeat, methods=["POST"]),
            Route(job + "/log", self._log, methods=["POST"]),
            Route(job + "/log", self._log_position, methods=["GET"]),
            Route(job + "/control", self._control, methods=["GET"]),
            Route(job + "/checkpoint", self._checkpoint, methods=["POST"]),
            Route(job + "/session", self._keep_session, methods=["POST"]),
            Route(job + "/session", self._kept_session, methods=["GET"]),
            Route(job + "/attachments/{attachment_id}", self._attachment, methods=["GET"]),
            Route(job + "/finish", self._finish, methods=["POST"]),
            Route("/git/{repo}.git/info/refs", self._advertise, methods=["GET"]),
            Route("/git/{repo}.git/{service}", self._serve, methods=["POST"]),
        ]
        for route in routes:
            route.app = self._scripted(route.app)
        return Starlette(routes=routes)

    def _scripted(self, app: Any) -> Any:
        """The route, unless a failure is scripted for its path."""

        async def scripted(scope: Any, receive: Any, send: Any) -> None:
            path = scope["path"]
            self.requests.append(path)
            await self._notify()
            for suffix in [s for s in self.held if path.endswith(s)]:
                send = _after(self.held.pop(suffix), send)
            failure = next((f for f in self.failures if path.endswith(f.suffix) and f.times), None)
            if failure is None:
                await app(scope, receive, send)
            else:
                failure.times -= 1
                if failure.after:
                    await app(scope, receive, _nowhere)
                answer = JSONResponse(
                    failure.body, failure.status, failure.headers, "application/problem+json"
                )
                await answer(scope, receive, send)
            await self._notify()

        return scripted

    async def _register(self, request: Request) -> Response:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return _problem(401, "unauthenticated")
        self.registrations.append(await request.json())
        rhythm = {"heartbeat_s": self.heartbeat_s, "lease_s": 60, "grace_s": self.grace_s}
        return JSONResponse({"runner_id": "r1", **rhythm})

    async def _claim(self, request: Request) -> Response:
        asked = ClaimRequest.model_validate(await request.json())
        if asked.claim_id not in self.claims:
            try:
                async with asyncio.timeout(asked.wait), self._changed:
                    await self._changed.wait_for(lambda: bool(self._queue))
            except TimeoutError:
                return Response(status_code=204)
            job = self._queue.pop(0)
            self.claims[asked.claim_id] = (job.job_id, job.attempt)
        ledger = self.ledgers[self.claims[asked.claim_id]]
        ended = "closed" if ledger.finish is not None else "lost" if ledger.fenced else None
        job = ledger.job.model_copy(update={"ended": ended})
        return Response(job.model_dump_json(), media_type="application/json")

    async def about_leftovers(self, asked: LeftoversRequest) -> LeftoversResponse:
        """What it knows: cards that a test has deleted, or that are at work, and its one repository."""
        found = await reached(self.storage, REPO, asked.commits.get(REPO, []))
        return LeftoversResponse(
            deleted=sorted(self.deleted.intersection([*asked.cards, *asked.repos])),
            at_work=sorted(self.at_work.intersection(asked.cards)),
            reached=sorted(found),
        )

    async def _leftovers(self, request: Request) -> Response:
        asked = LeftoversRequest.model_validate(await request.json())
        return JSONResponse((await self.about_leftovers(asked)).model_dump())

    async def _heartbeat(self, request: Request) -> Response:
        await request.json()
        return JSONResponse({"drain": self.drain})

    async def _log(self, request: Request) -> Response:
        ledger = self._held(request)
        if ledger is None:
            return _problem(409, "lease_lost")
        asked = await request.json()
        expected = len(ledger.entries) + 1
        if asked["src_seq"] > expected:
            return _problem(409, "sequence_gap", expected=expected)
        fresh = asked["entries"][expected - asked["src_seq"] :]
        ledger.entries += [Entry.model_validate(entry) for entry in fresh]
        return JSONResponse({"stored": len(ledger.entries)})

    async def _log_position(self, request: Request) -> Response:
        ledger = self._held(request)
        if ledger is None:
            return _problem(409, "lease_lost")
        return JSONResponse({"stored": len(ledger.entries)})

    async def _control(self, request: Request) -> Response:
        after = int(request.query_params["after"])
        asking = self._held(request)
        if asking is not None:
            asking.received = max(asking.received, after)
            asking.heard = max(asking.heard, int(request.query_params["heard"]))

        def news() -> bool:
            ledger = self._held(request)
            return ledger is None or len(ledger.commands) > after

        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(float(request.query_params["wait"])), self._changed:
                await self._changed.wait_for(news)
        ledger = self._held(request)
        if ledger is None:
            return _problem(409, "lease_lost")
        return JSONResponse({"commands": ledger.commands[after:]})

    async def _checkpoint(self, request: Request) -> Response:
        ledger = self._held(request)
        if ledger is None:
            return _problem(409, "lease_lost")
        asked = CheckpointRequest.model_validate(await request.json())
        pushed = await self.ref(f"{ledger.job.push_prefix}head") == asked.head_sha
        if asked.sha is not None:
            pushed &= await self.ref(f"{ledger.job.push_prefix}checkpoint") == asked.sha
        if not pushed:
            return _problem(409, "not_pushed")
        ledger.checkpoints.append(asked)
        return Response(status_code=204)

    async def _attachment(self, request: Request) -> Response:
        if self._held(request) is None:
            return _problem(409, "lease_lost")
        content = self.attachments.get(request.path_params["attachment_id"])
        return _problem(404, "not_found") if content is None else Response(content)

    async def _keep_session(self, request: Request) -> Response:
        ledger = self._held(request)
        if ledger is None or self.sessions is None:
            return _problem(404, "not_found") if ledger else _problem(409, "lease_lost")
        asked = SessionRequest.model_validate(await request.json())
        if await self.ref(f"{ledger.job.push_prefix}session") != asked.sha:
            return _problem(409, "not_pushed")
        self.sessions[ledger.job.task.card_id] = asked
        return Response(status_code=204)

    async def _kept_session(self, request: Request) -> Response:
        ledger = self._held(request)
        if ledger is None or self.sessions is None:
            return _problem(404, "not_found") if ledger else _problem(409, "lease_lost")
        kept = self.sessions.get(ledger.job.task.card_id)
        return JSONResponse({"session": None, "sha": None} if kept is None else kept.model_dump())

    async def _finish(self, request: Request) -> Response:
        ledger = self._held(request)
        if ledger is None:
            return _problem(409, "lease_lost")
        asked = FinishRequest.model_validate(await request.json())
        if len(ledger.entries) < asked.last_seq:
            return _problem(409, "sequence_gap", expected=len(ledger.entries) + 1)
        if asked.head_sha and await self.ref(f"{ledger.job.push_prefix}head") != asked.head_sha:
            return _problem(409, "not_pushed")
        ledger.finish = asked
        return JSONResponse({"status": "completed"})

    def _held(self, request: Request) -> Ledger | None:
        """The attempt that holds its job with this lease."""
        lease = request.headers.get(LEASE_HEADER)
        found = (lg for lg in self.ledgers.values() if lg.job.lease == lease and not lg.fenced)
        return next(found, None)

    def _policy(self, request: Request) -> PushPolicy | None:
        """The rights of the attempt whose password this is."""
        scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Basic":
            return None
        password = base64.b64decode(encoded).decode().partition(":")[2]
        for ledger in self.ledgers.values():
            job = ledger.job
            if job.repo.password == password:
                orphan = f"refs/lazyaf/jobs/{job.job_id}/orphan/{job.attempt}"
                return PushPolicy(
                    own_prefix=orphan if ledger.fenced else job.push_prefix,
                    create_only=ledger.fenced,
                    max_input_size=self.push_limit,
                )
        return None

    async def _advertise(self, request: Request) -> Response:
        policy = self._policy(request)
        if policy is None:
            return Response(status_code=401, headers={"WWW-Authenticate": "Basic"})
        service = request.query_params["service"]
        protocol = request.headers.get("Git-Protocol")
        body = await smart_http.advertise(self.storage, REPO, service, protocol, policy)
        return StreamingResponse(body, media_type=f"application/x-{service}-advertisement")

    async def _serve(self, request: Request) -> Response:
        policy = self._policy(request)
        if policy is None:
            return Response(status_code=401, headers={"WWW-Authenticate": "Basic"})
        if request.path_params["service"] == smart_http.RECEIVE_PACK:
            self.pushes.append(int(request.headers["Content-Length"]))
        try:
            body = await smart_http.serve(
                self.storage,
                REPO,
                request.path_params["service"],
                request.stream(),
                content_encoding=request.headers.get("Content-Encoding"),
                protocol_header=request.headers.get("Git-Protocol"),
                policy=policy,
            )
        except LazyafError as error:
            return _problem(error.status, error.code)
        return StreamingResponse(body)


def _after(event: asyncio.Event, send: Any) -> Any:
    """An answer that waits for something, although what was asked for is done."""

    async def held(message: Any) -> None:
        await event.wait()
        await send(message)

    return held


async def _nowhere(message: Any) -> None:
    """Where a lost answer goes."""


def _problem(status: int, code: str, **extra: Any) -> Response:
    content = json.dumps({"status": status, "code": code, "detail": code, **extra})
    return Response(content, status, media_type="application/problem+json")
