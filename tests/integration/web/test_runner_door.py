"""The listener for runners in containers: their protocol and git, and never without a credential."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx2
import pytest
import pytest_asyncio
from fastapi import FastAPI
from fastapi.routing import APIRoute

from lazyaf.domain.errors import Unavailable
from lazyaf.protocol import PREFIX
from lazyaf.web.app import create_runner_app
from lazyaf.wiring.door import Door
from support.app import Served


@pytest_asyncio.fixture
async def door(served: Served) -> AsyncIterator[httpx2.AsyncClient]:
    """The door of a server that asks people for nothing (``--auth off``)."""
    state = served.house.state
    made = Door()
    made.state = replace(state, config=replace(state.config, auth="off"))
    port = await made.open("127.0.0.1", 0)
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        yield client
    await made.close()


@pytest.mark.parametrize(
    "path",
    ["/", "/api/health", "/api/repos", "/api/auth/login", "/api/openapi.json", "/metrics", "/ws"],
)
async def test_nothing_else_is_there(door: httpx2.AsyncClient, path: str, served: Served) -> None:
    headers = {"Authorization": f"Bearer {served.token}"}
    answer = await door.get(path, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_a_stranger_is_refused_also_without_authentication(
    door: httpx2.AsyncClient, served: Served
) -> None:
    repo = await served.repo()
    asked = [
        await door.post("/api/runner/v1/claim", json={}),
        await door.get(f"/git/{repo}.git/info/refs", params={"service": "git-upload-pack"}),
    ]
    assert [answer.status_code for answer in asked] == [401, 401]


async def test_a_runner_comes_in_by_whatever_name_it_calls_the_server(
    door: httpx2.AsyncClient, served: Served
) -> None:
    body = {"name": "one", "instance_id": "instance-one", "version": "1", "protocol": 1}
    headers = {"Authorization": f"Bearer {served.runner_token}", "Host": "lazyaf:8765"}
    answer = await door.post("/api/runner/v1/register", json=body, headers=headers)
    assert answer.status_code == 200, answer.text


def paths(app: FastAPI) -> set[tuple[str, str]]:
    """Method and path of each route of the runners' protocol and of git."""
    return {
        (method, route.path)
        for route in app.routes
        if isinstance(route, APIRoute) and route.path.startswith((PREFIX, "/git/"))
        for method in route.methods or ()
    }


async def test_all_of_their_protocol_is_there(served: Served) -> None:
    """However the main listener puts it together."""
    found = paths(create_runner_app(served.house.state))
    assert found == paths(served.app)
    assert ("POST", f"{PREFIX}/claim") in found


async def test_a_taken_port_is_told(served: Served) -> None:
    port = httpx2.URL(served.url).port
    door = Door()
    door.state = served.house.state
    with pytest.raises(Unavailable, match="LAZYAF_RUNNER_BIND"):
        await door.open("127.0.0.1", port or 0)
