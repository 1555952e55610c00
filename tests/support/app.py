"""Fixtures: the whole server, as `main` puts it together, listening in the test's own process."""

from __future__ import annotations

import asyncio
import itertools
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest_asyncio
from fastapi import FastAPI

from factories.scene import Scene
from lazyaf.main import House, build, running
from lazyaf.protocol import LEASE_HEADER
from lazyaf.settings import Settings
from lazyaf.store.database import SqlDatabase
from lazyaf.web.app import create_app
from lazyaf.web.server import Server, open_socket


def lease(job: dict[str, Any]) -> dict[str, str]:
    """The header with which a runner speaks of a claimed job."""
    return {LEASE_HEADER: job["lease"]}


class Served:
    """The running server, and one client each for a person, a runner and a stranger."""

    def __init__(self, house: House, app: FastAPI, url: str, clients: AsyncExitStack) -> None:
        self.house = house
        self.app = app
        self.url = url
        self._clients = clients
        folder = house.settings.data_dir
        self.token = (folder / "token").read_text().strip()
        self.runner_token = (folder / "runners" / "token").read_text().strip()
        self.person = self.client(self.token)
        self.runner = self.client(self.runner_token)
        self.stranger = self.client(None)

    @property
    def db(self) -> SqlDatabase:
        return self.house.db

    def client(self, token: str | None) -> httpx2.AsyncClient:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        client = httpx2.AsyncClient(base_url=self.url, headers=headers, timeout=30, trust_env=False)
        self._clients.push_async_callback(client.aclose)
        return client

    async def repo(self, name: str = "demo") -> str:
        """A repository with content."""
        made = await self.person.post("/api/repos", json={"name": name})
        assert made.status_code == 201, made.text
        repo_id: str = made.json()["id"]
        await self.scene.push(repo_id, "main", {"readme.md": "one\n"}, parents=[])
        return repo_id

    @property
    def scene(self) -> Scene:
        """What needs no transport, on the server's own context."""
        scene = Scene.__new__(Scene)
        scene.db, scene.ctx, scene.new_id = self.db, self.house.ctx, self.house.ctx.new_id
        scene.clock = self.house.ctx.clock
        scene._names = scene._claims = itertools.count(1)
        return scene

    async def card(self, repo_id: str, **fields: Any) -> dict[str, Any]:
        body = {"title": "Fix the login", "agent": "script", **fields}
        made = await self.person.post(f"/api/repos/{repo_id}/cards", json=body)
        assert made.status_code == 201, made.text
        card: dict[str, Any] = made.json()
        return card

    async def register(self, name: str = "one", *agents: str) -> str:
        """A registered runner's instance id."""
        body = {
            "name": name,
            "instance_id": f"instance-{name}",
            "version": "1",
            "protocol": 1,
            "agents": [{"name": agent} for agent in agents or ("script",)],
        }
        answer = await self.runner.post("/api/runner/v1/register", json=body)
        assert answer.status_code == 200, answer.text
        return f"instance-{name}"

    async def claim(self, instance: str, claim_id: str, wait: float = 0) -> httpx2.Response:
        body = {"instance_id": instance, "claim_id": claim_id, "wait": wait}
        return await self.runner.post("/api/runner/v1/claim", json=body)

    async def job(self, repo_id: str) -> dict[str, Any]:
        """A claimed job of a new card."""
        await self.card(repo_id, start=True)
        answer = await self.claim(await self.register(), f"claim-{self.house.ctx.new_id()}")
        assert answer.status_code == 200, answer.text
        job: dict[str, Any] = answer.json()
        return job


@pytest_asyncio.fixture
async def served(tmp_path: Path, migrated_file: Path) -> AsyncIterator[Served]:
    """A server on a free port, without runners of its own."""
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    shutil.copy(migrated_file, data / "lazyaf.db")
    async with serving(Settings(data_dir=data, pool="none", disk_reserve_mb=0)) as server:
        yield server


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[Served]:
    """A server with these settings on a free port. Its pools do not begin."""
    listener = open_socket("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    house = await build(settings, url)
    app = create_app(house.state)

    async def before_exit() -> None:
        house.ctx.dispatcher.drain()
        house.ctx.control.drain()
        await house.state.feed.stop()

    server = Server(app, before_exit)
    async with running(house), AsyncExitStack() as clients:
        task = asyncio.create_task(server.serve(sockets=[listener]))
        await server.is_up.wait()
        yield Served(house, app, url, clients)
        await before_exit()
        server.should_exit = True
        await task
    listener.close()
