"""Signing in with the password: sessions, their ends, and what guessing costs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
import websockets

from lazyaf.services.attempts import PER_ADDRESS
from support.app import Served

PASSWORD = "correct horse battery"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"


@pytest.fixture
async def locked(served: Served) -> Served:
    """The server, with a password."""
    made = await served.person.put("/api/auth/password", json={"password": PASSWORD})
    assert made.status_code == 204, made.text
    return served


async def login(served: Served, password: str = PASSWORD) -> httpx2.Response:
    return await served.stranger.post(
        "/api/auth/login", json={"password": password}, headers={"User-Agent": FIREFOX}
    )


async def session(served: Served) -> httpx2.AsyncClient:
    """A client that signed in."""
    return served.client((await login(served)).json()["token"])


def code(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


@asynccontextmanager
async def feed(served: Served, token: str) -> AsyncIterator[Any]:
    """An open live feed."""
    url = served.url.replace("http", "ws") + "/ws"
    async with websockets.connect(
        url, subprotocols=["lazyaf", f"lazyaf.token.{token}"], proxy=None
    ) as socket:
        await socket.send("{}")
        assert json.loads(await socket.recv())["type"] == "hello"
        yield socket


async def test_the_password_opens_a_session_that_can_be_ended(locked: Served) -> None:
    browser = await session(locked)
    assert (await browser.get("/api/repos")).status_code == 200
    listed = (await browser.get("/api/tokens")).json()["items"]
    own = next(token for token in listed if token["is_own"])
    assert own["kind"] == "session"
    assert own["name"] == "Firefox on Linux"
    assert own["expires_at"] > own["last_used_at"] > own["created_at"]
    assert (await browser.post("/api/auth/logout")).status_code == 204
    assert (await browser.get("/api/repos")).status_code == 401


async def test_signing_out_leaves_a_borrowed_token_alone(locked: Served) -> None:
    assert (await locked.person.post("/api/auth/logout")).status_code == 204
    assert (await locked.person.get("/api/repos")).status_code == 200


async def test_a_stranger_learns_only_whether_there_is_a_password(served: Served) -> None:
    before = (await served.stranger.get("/api/health")).json()
    assert before["has_password"] is False
    assert code(await login(served)) == (409, "no_password")
    await served.person.put("/api/auth/password", json={"password": PASSWORD})
    after = (await served.stranger.get("/api/health")).json()
    assert after == {**before, "has_password": True}


async def test_guessing_is_slowed_down(locked: Served) -> None:
    for _ in range(PER_ADDRESS.burst):
        assert code(await login(locked, "wrong horse battery")) == (403, "wrong_password")
    refused = await login(locked)
    assert code(refused) == (429, "too_many_attempts")
    assert 0 < int(refused.headers["Retry-After"]) <= PER_ADDRESS.interval
    assert refused.json()["retry_after"] == int(refused.headers["Retry-After"])
    # Another address that a client claims to have is not believed.
    claimed = await locked.stranger.post(
        "/api/auth/login",
        json={"password": PASSWORD},
        headers={"X-Forwarded-For": "198.51.100.7"},
    )
    assert claimed.status_code == 429


async def test_guesses_at_the_same_moment_are_counted_before_they_are_answered(
    locked: Served,
) -> None:
    answers = await asyncio.gather(*(login(locked, f"wrong horse {n}") for n in range(12)))
    counted = sorted(answer.status_code for answer in answers)
    assert counted == [403] * PER_ADDRESS.burst + [429] * (12 - PER_ADDRESS.burst)


@pytest.mark.parametrize(
    "body",
    [{}, {"password": ""}, {"password": "x" * 501}, {"password": 1}, {"password": "\ud800" * 12}],
)
async def test_what_is_no_password(locked: Served, body: dict[str, Any]) -> None:
    sent = json.dumps(body)
    for method, path in (("POST", "/api/auth/login"), ("PUT", "/api/auth/password")):
        answer = await locked.person.request(
            method, path, content=sent, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code in (400, 422), answer.text


async def test_a_stranger_cannot_send_much(locked: Served) -> None:
    for path in ("/api/auth/login", "/api/auth/exchange"):
        answer = await locked.stranger.post(path, json={"password": "x" * 20_000})
        assert code(answer) == (413, "too_large")


async def test_changing_it_needs_the_current_one_and_ends_every_session(locked: Served) -> None:
    browser = await session(locked)
    link = (await locked.person.post("/api/auth/codes")).json()["code"]
    linked = await locked.stranger.post("/api/auth/exchange", json={"code": link})
    other = locked.client(linked.json()["token"])
    new = "another good password"

    async def change(**fields: str) -> httpx2.Response:
        return await browser.put("/api/auth/password", json={"password": new, **fields})

    missing = await change()
    assert missing.status_code == 422
    assert "current" in missing.json()["fields"]
    assert code(await change(current="wrong horse battery")) == (403, "wrong_password")
    assert (await browser.get("/api/repos")).status_code == 200
    assert (await change(current=PASSWORD)).status_code == 204
    for ended in (browser, other):
        assert (await ended.get("/api/repos")).status_code == 401
    assert code(await login(locked)) == (403, "wrong_password")
    assert (await login(locked, new)).status_code == 200
    # Who can read this machine's own token could as well write its files.
    reset = await locked.person.put("/api/auth/password", json={"password": PASSWORD})
    assert reset.status_code == 204


async def test_a_short_password_is_refused_with_a_sentence(served: Served) -> None:
    answer = await served.person.put("/api/auth/password", json={"password": "short"})
    assert answer.status_code == 422
    assert "at least 12 characters" in answer.json()["fields"]["password"]


async def test_a_feed_ends_with_its_token(locked: Served) -> None:
    made = (await locked.person.post("/api/tokens", json={"name": "script"})).json()
    mine = (await login(locked)).json()["token"]
    async with (
        feed(locked, made["token"]) as by_token,
        feed(locked, mine) as by_session,
        feed(locked, locked.token) as stays,
    ):
        await locked.person.delete(f"/api/tokens/{made['id']}")
        await by_token.wait_closed()
        assert by_token.close_code == 4401
        await locked.client(mine).post("/api/auth/logout")
        await by_session.wait_closed()
        assert by_session.close_code == 4401
        await locked.repo()
        assert json.loads(await stays.recv())["type"] == "repo.created"


async def test_a_feed_ends_when_its_session_expires(locked: Served) -> None:
    from datetime import timedelta

    locked.house.state.credentials._session = timedelta(seconds=1)
    mine = (await login(locked)).json()["token"]
    async with feed(locked, mine) as socket:
        await socket.wait_closed()
        assert socket.close_code == 4401
    assert (await locked.client(mine).get("/api/repos")).status_code == 401


async def test_a_followed_log_ends_with_its_token(locked: Served) -> None:
    job = await locked.job(await locked.repo())
    made = (await locked.person.post("/api/tokens", json={"name": "script"})).json()
    follower = locked.client(made["token"])
    async with follower.stream(
        "GET", f"/api/jobs/{job['job_id']}/logs", headers={"Accept": "text/event-stream"}
    ) as stream:
        lines = stream.aiter_lines()
        assert await anext(lines)
        await locked.person.delete(f"/api/tokens/{made['id']}")
        rest = [line async for line in lines]
    assert not any(line == "event: end" for line in rest)


async def test_using_a_session_makes_it_last(locked: Served) -> None:
    browser = await session(locked)

    async def expires() -> str:
        listed = (await browser.get("/api/tokens")).json()["items"]
        return next(str(token["expires_at"]) for token in listed if token["is_own"])

    first = await expires()
    credentials = locked.house.state.credentials
    credentials._noted.clear()  # as if a minute had passed
    assert await expires() > first


async def test_no_git_with_a_session_but_with_a_token(locked: Served) -> None:
    repo = await locked.repo()
    path = f"/git/{repo}.git/info/refs?service=git-upload-pack"
    mine = (await login(locked)).json()["token"]
    made = (await locked.person.post("/api/tokens", json={"name": "git"})).json()["token"]
    for secret, status in ((mine, 401), (PASSWORD, 401), (made, 200)):
        answer = await locked.stranger.get(path, auth=httpx2.BasicAuth("lazyaf", secret))
        assert answer.status_code == status, secret
