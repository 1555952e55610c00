"""Behind nginx with TLS, as the how-to sets it up: API, live feed, git, and whose guesses count."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import websockets
from websockets.exceptions import InvalidStatus

from lazyaf.services.attempts import PER_ADDRESS
from support.proxy import NAME, Proxy, free_port
from support.server import ServerProcess

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ServerProcess, Proxy]]:
    """A server that knows its proxy, and the proxy."""
    folder = tmp_path_factory.mktemp("proxied")
    (folder / "password").write_text(PASSWORD)
    port = free_port()
    env = {
        "LAZYAF_PUBLIC_URL": f"https://{NAME}:{port}",
        "LAZYAF_TRUSTED_PROXIES": "127.0.0.1",
        "LAZYAF_PASSWORD_FILE": str(folder / "password"),
    }
    with (
        ServerProcess(folder / "data", env, "--pool", "none") as server,
        Proxy(folder, server.port, port) as proxy,
    ):
        yield server, proxy


def browser(proxy: Proxy, address: str = "127.0.0.1", **headers: str) -> httpx2.Client:
    """A client of the public name that connects from ``address``."""
    return httpx2.Client(
        base_url=f"https://127.0.0.1:{proxy.port}",
        headers={"Host": f"{NAME}:{proxy.port}", "Origin": proxy.url, **headers},
        transport=httpx2.HTTPTransport(verify=proxy.context(), local_address=address),
        timeout=30,
    )


def ask(client: httpx2.Client, method: str, path: str, **more: Any) -> httpx2.Response:
    return client.request(method, path, extensions={"sni_hostname": NAME}, **more)


def sign_in(client: httpx2.Client, password: str = PASSWORD) -> httpx2.Response:
    return ask(client, "POST", "/api/auth/login", json={"password": password})


def test_a_browser_signs_in_and_works(proxied: tuple[ServerProcess, Proxy]) -> None:
    _, proxy = proxied
    with browser(proxy) as client:
        token = sign_in(client).json()["token"]
        bearer = {"Authorization": f"Bearer {token}"}
        made = ask(client, "POST", "/api/repos", json={"name": "shop"}, headers=bearer)
        assert made.status_code == 201, made.text
        code = ask(client, "POST", "/api/auth/codes", headers=bearer).json()
        assert code["url"].startswith(f"{proxy.url}/#code=")
        clone = ask(client, "GET", f"/api/repos/{made.json()['id']}/clone-url", headers=bearer)
        assert clone.json()["url"].startswith(f"{proxy.url}/git/")
        runner = ask(client, "GET", "/api/runners/command", headers=bearer).json()
        assert f"--server {proxy.url} " in runner["plain"]
        assert not any("ssh -L" in need for need in runner["needs"])
        assert "set-cookie" not in made.headers


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Origin": "https://evil.example"}, "origin_not_allowed"),
        ({"Origin": f"https://{NAME}"}, "origin_not_allowed"),
        ({"Host": "evil.example"}, "host_not_allowed"),
    ],
)
def test_other_origins_and_hosts_are_refused(
    proxied: tuple[ServerProcess, Proxy], headers: dict[str, str], code: str
) -> None:
    _, proxy = proxied
    with browser(proxy, **headers) as client:
        answer = ask(client, "GET", "/api/health")
        assert (answer.status_code, answer.json()["code"]) == (403, code)


async def test_the_live_feed_passes_and_ends_with_its_session(
    proxied: tuple[ServerProcess, Proxy],
) -> None:
    _, proxy = proxied
    with browser(proxy) as client:
        token = sign_in(client).json()["token"]

        def connect(origin: str) -> Any:
            return websockets.connect(
                f"wss://{NAME}:{proxy.port}/ws",
                host="127.0.0.1",
                ssl=proxy.context(),
                origin=origin,
                subprotocols=["lazyaf", f"lazyaf.token.{token}"],
                proxy=None,
            )

        with pytest.raises(InvalidStatus):
            await connect("https://evil.example")
        async with connect(proxy.url) as socket:
            await socket.send("{}")
            assert json.loads(await socket.recv())["type"] == "hello"
            bearer = {"Authorization": f"Bearer {token}"}
            ask(client, "POST", "/api/repos", json={"name": "live"}, headers=bearer)
            assert json.loads(await socket.recv())["type"] == "repo.created"
            ask(client, "POST", "/api/auth/logout", headers=bearer)
            await socket.wait_closed()
            assert socket.close_code == 4401


def test_git_pushes_and_clones(proxied: tuple[ServerProcess, Proxy], tmp_path: Path) -> None:
    server, proxy = proxied
    made = server.client.post("/api/repos", json={"name": "pushed"}).json()
    token = server.client.post("/api/tokens", json={"name": "git"}).json()["token"]
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_SSL_CAINFO": str(proxy.certificate),
        "GIT_CONFIG_COUNT": "3",
        "GIT_CONFIG_KEY_0": "http.curloptResolve",
        "GIT_CONFIG_VALUE_0": f"{NAME}:{proxy.port}:127.0.0.1",
        "GIT_CONFIG_KEY_1": "user.name",
        "GIT_CONFIG_VALUE_1": "Ada",
        "GIT_CONFIG_KEY_2": "user.email",
        "GIT_CONFIG_VALUE_2": "ada@localhost",
    }

    def git(*args: str) -> str:
        done = subprocess.run(["git", *args], env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    work = str(tmp_path / "work")
    git("init", "-q", "-b", "main", work)
    (tmp_path / "work" / "large").write_bytes(os.urandom(3 * 2**20))  # more than nginx' own limit
    git("-C", work, "add", "-A")
    git("-C", work, "commit", "-q", "-m", "Work")
    url = f"https://lazyaf:{token}@{NAME}:{proxy.port}/git/{made['id']}.git"
    git("-C", work, "push", "-q", url, "main")
    git("clone", "-q", url, str(tmp_path / "clone"))
    assert git("-C", str(tmp_path / "clone"), "rev-parse", "HEAD") == git(
        "-C", work, "rev-parse", "HEAD"
    )


def test_guesses_count_for_who_makes_them(proxied: tuple[ServerProcess, Proxy]) -> None:
    _, proxy = proxied
    forged = {"X-Forwarded-For": "198.51.100.1"}
    with browser(proxy, "127.0.0.66", **forged) as guesser, browser(proxy, "127.0.0.77") as person:
        for _ in range(PER_ADDRESS.burst):
            assert sign_in(guesser, "wrong horse battery").status_code == 403
        assert sign_in(guesser).status_code == 429
        assert sign_in(person).status_code == 200
