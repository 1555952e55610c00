"""A storage in a temporary directory, a bare-bones ASGI server in front of it, and real git."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
import pytest_asyncio
import uvicorn

from lazyaf.domain.errors import LazyafError
from lazyaf.git import command, smart_http
from lazyaf.git.pktline import Command
from lazyaf.git.policy import PushPolicy
from lazyaf.git.storage import Storage

REPO = "01900000-0000-7000-8000-000000000001"


@pytest.fixture
def repo_id() -> str:
    return REPO


@pytest_asyncio.fixture
async def storage(tmp_path: Path, repo_id: str) -> Storage:
    """A storage with one empty repository, whose HEAD is main."""
    storage = Storage(tmp_path / "store")
    await storage.create(repo_id, "main")
    return storage


class Work:
    """A person's clone: files in, commits out."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def git(self, *args: str, ok: Iterable[int] = (0,), **env: str) -> command.Completed:
        return await command.run(
            args, cwd=self.folder, ok=list(ok), env=command.child_env(env), timeout=120
        )

    async def commit(self, files: dict[str, str | bytes | None], message: str = "change") -> str:
        """Write (or, for None, remove) these files, commit everything, return the commit."""
        for name, content in files.items():
            path = self.folder / name
            if content is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        await self.git("add", "-A")
        await self.git("commit", "-q", "--allow-empty", "-m", message)
        return await self.head()

    async def head(self, name: str = "HEAD") -> str:
        return (await self.git("rev-parse", name)).text


@pytest_asyncio.fixture
async def work(tmp_path: Path, storage: Storage, repo_id: str) -> Work:
    """A clone whose remote ``store`` is the bare repository itself, by path."""
    folder = tmp_path / "work"
    await command.run(["init", "-q", "-b", "main", str(folder)])
    work = Work(folder)
    await work.git("remote", "add", "store", str(storage.path(repo_id)))
    return work


@dataclass
class GitApp:
    """The smallest transport: routes two requests into smart_http with one policy for all."""

    storage: Storage
    policy: PushPolicy = field(default_factory=PushPolicy)
    pack_key: str | None = None
    updated: list[list[Command]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    requests: list[dict[str, str]] = field(default_factory=list)

    def allow(self, **changes: Any) -> None:
        self.policy = replace(self.policy, **changes)

    async def on_updated(self, commands: list[Command]) -> None:
        self.updated.append(commands)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        repo, _, rest = scope["path"].lstrip("/").partition(".git/")
        headers = {k.decode(): v.decode() for k, v in scope["headers"]}
        self.requests.append(headers | {"path": rest})
        protocol = headers.get("git-protocol")
        try:
            if rest == "info/refs":
                service = parse_qs(scope["query_string"].decode())["service"][0]
                body = await smart_http.advertise(
                    self.storage, repo, service, protocol, self.policy
                )
            else:
                body = await smart_http.serve(
                    self.storage,
                    repo,
                    rest,
                    _chunks(receive),
                    content_encoding=headers.get("content-encoding"),
                    protocol_header=protocol,
                    policy=self.policy,
                    pack_key=self.pack_key,
                    on_updated=self.on_updated,
                )
        except LazyafError as error:
            await _answer(send, error.status, error.detail.encode())
            self.statuses.append(error.status)
            return
        kind = (
            f"application/x-{rest}-result"
            if rest != "info/refs"
            else f"application/x-{service}-advertisement"
        )
        await send(_start(200, kind))
        self.statuses.append(200)
        async for chunk in body:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


async def _chunks(receive: Callable[[], Awaitable[Any]]) -> AsyncIterator[bytes]:
    while (message := await receive())["type"] == "http.request":
        yield message["body"]
        if not message.get("more_body"):
            return
    raise ConnectionResetError


def _start(status: int, kind: str) -> dict[str, Any]:
    return {
        "type": "http.response.start",
        "status": status,
        "headers": [(b"content-type", kind.encode())],
    }


async def _answer(send: Any, status: int, text: bytes) -> None:
    await send(_start(status, "text/plain"))
    await send({"type": "http.response.body", "body": text})


class Server(uvicorn.Server):
    """Says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self.listening.set()


@dataclass
class Served:
    """The running server: its app to configure, its address to push to."""

    app: GitApp
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/{REPO}.git"


@pytest_asyncio.fixture
async def served(storage: Storage) -> AsyncIterator[Served]:
    app = GitApp(storage)
    server = Server(
        uvicorn.Config(app, port=0, lifespan="off", ws="none", log_level="warning", loop="none")
    )
    task = asyncio.create_task(server.serve())
    await server.listening.wait()
    yield Served(app, server.servers[0].sockets[0].getsockname()[1])
    server.should_exit = True
    await task
