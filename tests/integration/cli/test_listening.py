"""Where `lazyaf serve` listens: beyond loopback only behind a password."""

from __future__ import annotations

import socket
from pathlib import Path

import httpx2
import pytest

from support.commandline import Lazyaf
from support.server import ServerProcess

PASSWORD = "correct horse battery"


def serve(data: Path, *args: str) -> str:
    """What a server says that does not start."""
    done = Lazyaf({"LAZYAF_DATA_DIR": str(data)})("serve", "--port", "0", "--pool", "none", *args)
    assert done.exit_code == 1, done.output
    return done.output


def own_address() -> str:
    """An address of this machine that is not loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # nothing is sent
        except OSError:
            pytest.skip("this machine has no address but loopback")
        address: str = probe.getsockname()[0]
        return address


def test_without_a_password_it_stays_on_loopback(tmp_path: Path) -> None:
    said = serve(tmp_path / "data", "--host", "0.0.0.0")
    assert "without a password" in said
    assert "lazyaf password set" in said


def test_without_authentication_it_stays_on_loopback(tmp_path: Path) -> None:
    env = {"LAZYAF_DATA_DIR": str(tmp_path / "data"), "LAZYAF_SERVER": "http://127.0.0.1:1"}
    assert Lazyaf(env)("password", "set", "--stdin", stdin=PASSWORD).exit_code == 0
    said = serve(tmp_path / "data", "--host", "0.0.0.0", "--auth", "off")
    assert "--auth off" in said


def test_with_a_password_it_is_reached_at_its_address(tmp_path: Path) -> None:
    address = own_address()
    secret = tmp_path / "secret"
    secret.write_text(PASSWORD + "\n")
    env = {"LAZYAF_PASSWORD_FILE": str(secret), "LAZYAF_ALLOWED_HOSTS": address}
    with ServerProcess(tmp_path / "data", env, "--pool", "none", "--host", "0.0.0.0") as running:
        assert running.url.startswith("http://127.0.0.1:")  # for local runners and links
        there = f"http://{address}:{running.port}"
        refused = httpx2.get(f"{there}/api/repos", trust_env=False)
        assert refused.status_code == 401
        session = httpx2.post(
            f"{there}/api/auth/login", json={"password": PASSWORD}, trust_env=False
        )
        assert session.status_code == 200, session.text


def test_a_changed_password_file_ends_sessions_and_the_same_one_does_not(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(PASSWORD)
    server = ServerProcess(
        tmp_path / "data", {"LAZYAF_PASSWORD_FILE": str(secret)}, "--pool", "none"
    )

    def status(token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return httpx2.get(f"{server.url}/api/repos", headers=headers, trust_env=False).status_code

    with server:
        answer = httpx2.post(
            f"{server.url}/api/auth/login", json={"password": PASSWORD}, trust_env=False
        )
        token = answer.json()["token"]
    with server:
        assert status(token) == 200
    secret.write_text("another good password")
    with server:
        assert status(token) == 401


@pytest.mark.parametrize(("text", "said"), [(None, "cannot be read"), ("short", "12 characters")])
def test_a_password_file_that_is_no_use_is_told(
    tmp_path: Path, text: str | None, said: str
) -> None:
    secret = tmp_path / "secret"
    if text is not None:
        secret.write_text(text)
    done = Lazyaf({"LAZYAF_DATA_DIR": str(tmp_path / "data"), "LAZYAF_PASSWORD_FILE": str(secret)})(
        "serve", "--port", "0", "--pool", "none"
    )
    assert done.exit_code == 1
    assert said in done.output
