"""Who may come in: a credential for every route, Host and Origin for everyone (R3, R4)."""

from __future__ import annotations

import re
from typing import Any

import httpx2
import pytest
import websockets

from support.app import Served

OPEN = {
    ("GET", "/api/health"),
    ("POST", "/api/auth/exchange"),
    ("POST", "/api/auth/login"),
}
SOME_ID = "01900000-0000-7000-8000-0000000000ff"


def operations(served: Served) -> list[tuple[str, str]]:
    """Every operation of the API, and what is not in its description."""
    found = [
        (method.upper(), path)
        for path, methods in served.app.openapi()["paths"].items()
        for method in methods
    ]
    git = f"/git/{SOME_ID}.git"
    return [
        *found,
        ("GET", "/api/openapi.json"),
        ("GET", f"{git}/info/refs?service=git-upload-pack"),
        ("GET", f"{git}/HEAD"),
        ("POST", f"{git}/git-upload-pack"),
        ("POST", f"{git}/git-receive-pack"),
    ]


def filled(path: str) -> str:
    return re.sub(r"\{[^}]+\}", SOME_ID, path)


async def test_no_route_answers_without_a_token(served: Served) -> None:
    closed = [op for op in operations(served) if op not in OPEN]
    assert len(closed) > 40
    wrong: dict[str, int] = {}
    for method, path in closed:
        for headers in ({}, {"Authorization": "Bearer laf_unknown"}, {"Authorization": "Basic !"}):
            answer = await served.stranger.request(method, filled(path), headers=headers)
            if answer.status_code != 401:
                wrong[f"{method} {path}"] = answer.status_code
            else:
                assert answer.headers["content-type"] == "application/problem+json"
                assert "WWW-Authenticate" in answer.headers
    assert wrong == {}


async def test_a_token_of_the_wrong_kind_is_refused(served: Served) -> None:
    wrong: dict[str, int] = {}
    for method, path in operations(served):
        if (method, path) in OPEN or path.startswith("/git/"):
            continue
        client = served.person if path.startswith("/api/runner/v1") else served.runner
        answer = await client.request(method, filled(path))
        if (answer.status_code, answer.json()["code"]) != (403, "wrong_token"):
            wrong[f"{method} {path}"] = answer.status_code
    assert wrong == {}


async def test_a_token_in_the_query_counts_for_nothing(served: Served) -> None:
    answer = await served.stranger.get("/api/repos", params={"token": served.token})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "evil.example"}, 403),
        ({"Host": "127.0.0.1.evil.example"}, 403),
        ({"Host": ""}, 403),
        ({"Host": "localhost"}, 200),
        ({"Host": "LOCALHOST:1"}, 200),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Origin": "SAME, https"}, 403),
        ({"Origin": "SAME"}, 200),
    ],
)
async def test_host_and_origin(served: Served, headers: dict[str, str], status: int) -> None:
    said = headers.get("Origin", "")
    if said.startswith("SAME"):
        own = served.url.replace("http:", "https:") if "https" in said else served.url
        headers = {"Origin": own}
    for client in (served.person, served.stranger):
        answer = await client.get("/api/health", headers=headers)
        assert answer.status_code == status, answer.text


async def test_a_revoked_token_is_useless_at_once(served: Served) -> None:
    made = (await served.person.post("/api/tokens", json={"name": "script"})).json()
    other = served.client(made["token"])
    assert (await other.get("/api/repos")).status_code == 200
    listed = (await served.person.get("/api/tokens")).json()["items"]
    assert made["id"] in {token["id"] for token in listed}
    assert all("token" not in token for token in listed)
    gone = await served.person.delete(f"/api/tokens/{made['id']}")
    assert gone.status_code == 204
    assert (await other.get("/api/repos")).status_code == 401
    assert (await served.person.delete(f"/api/tokens/{made['id']}")).status_code == 404


@pytest.mark.parametrize(
    ("name", "file", "path"),
    [
        ("This machine", "token", "/api/repos"),
        ("Local runners", "runners/token", "/api/runner/v1/claim"),
    ],
)
async def test_a_revoked_token_of_this_machine_is_replaced_for_good(
    served: Served, name: str, file: str, path: str
) -> None:
    kept = served.house.settings.data_dir / file
    former = kept.read_text().strip()

    async def is_known(text: str) -> bool:
        return (await served.client(text).get(path)).status_code != 401

    listed = (await served.person.get("/api/tokens")).json()["items"]
    token_id = next(token["id"] for token in listed if token["name"] == name)
    assert (await served.person.delete(f"/api/tokens/{token_id}")).status_code == 204
    renewed = kept.read_text().strip()
    assert renewed != former
    assert kept.stat().st_mode & 0o777 == 0o600
    assert [await is_known(text) for text in (former, renewed)] == [False, True]
    await served.house.state.credentials._local.load()  # as at the next start
    assert [await is_known(text) for text in (former, renewed)] == [False, True]


async def test_a_link_is_good_for_one_browser(served: Served) -> None:
    made = (await served.person.post("/api/auth/codes")).json()
    assert made["url"].endswith(f"/#code={made['code']}")  # the fragment reaches no log
    taken = await served.stranger.post("/api/auth/exchange", json={"code": made["code"]})
    assert (await served.client(taken.json()["token"]).get("/api/repos")).status_code == 200
    again = await served.stranger.post("/api/auth/exchange", json={"code": made["code"]})
    assert again.status_code == 401


async def test_the_feed_wants_a_persons_token_and_this_origin(served: Served) -> None:
    url = served.url.replace("http", "ws") + "/ws"

    async def closes_with(*protocols: str, **options: Any) -> int | None:
        async with websockets.connect(
            url, subprotocols=["lazyaf", *protocols], proxy=None, **options
        ) as socket:
            await socket.wait_closed()
            return socket.close_code

    assert await closes_with() == 4401
    assert await closes_with("lazyaf.token.wrong") == 4401
    assert await closes_with(f"lazyaf.token.{served.runner_token}") == 4401
    good = f"lazyaf.token.{served.token}"
    with pytest.raises(websockets.InvalidStatus):
        await closes_with(good, origin="http://evil.example")
    async with websockets.connect(
        url, subprotocols=["lazyaf", good], origin=served.url, proxy=None
    ) as socket:
        assert socket.subprotocol == "lazyaf"  # the token is never sent back
        await socket.send("{}")
        assert '"hello"' in await socket.recv()


async def test_the_ui_is_served_with_a_strict_policy(served: Served, tmp_path: Any) -> None:
    from starlette.applications import Starlette
    from starlette.routing import Route

    from lazyaf.web.frontend import Frontend, content_security_policy

    policy = content_security_policy("<script>go()</script><script src='/x.js'></script>")
    script = next(p for p in policy.split("; ") if p.startswith("script-src"))
    assert "unsafe" not in script
    assert script.count("'sha256-") == 1
    (tmp_path / "ui" / "_app").mkdir(parents=True)
    (tmp_path / "ui" / "index.html").write_text("<script>go()</script>")
    (tmp_path / "secret").write_text("secret")
    app = Starlette(routes=[Route("/{path:path}", Frontend(tmp_path / "ui").serve)])
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://x") as client:
        for path in ("/", "/repos/demo", "/%00", "/" + "a" * 3000, "/%2e%2e/secret"):
            answer = await client.get(path)
            assert answer.status_code == 200, path
            assert "go()" in answer.text
            assert "script-src 'self' 'sha256-" in answer.headers["content-security-policy"]
            assert answer.headers["x-content-type-options"] == "nosniff"
        missing = await client.get("/_app/missing.js")
        assert missing.status_code == 404
        etag = (await client.get("/")).headers["etag"]
        assert (await client.get("/", headers={"If-None-Match": etag})).status_code == 304
