"""Logins: one per server, for their owner's eyes, and used for their own server alone."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from lazyaf.cli.failures import Failure
from lazyaf.cli.logins import Login, find_login, forget_login, keep_login, logins_path
from lazyaf.cli.target import find_token

SERVER = "https://lazyaf.example.com"


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without logins, on a machine with a token."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("LAZYAF_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("LAZYAF_TOKEN", raising=False)
    (tmp_path / "token").write_text("of-this-machine\n")


@pytest.mark.parametrize(
    ("asked", "is_same"),
    [
        (SERVER, True),
        (f"{SERVER}:443", True),
        ("https://LazyAF.example.com", True),
        ("http://lazyaf.example.com", False),
        (f"{SERVER}:8443", False),
        ("https://example.com", False),
        (f"{SERVER}.evil.example", False),
    ],
)
def test_a_login_is_for_its_own_server(asked: str, is_same: bool) -> None:
    keep_login(SERVER, Login("1", "secret"))
    assert find_token(asked) == ("secret" if is_same else None)


def test_a_login_comes_before_this_machines_token_and_after_the_environments(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tunnel = "http://127.0.0.1:9000"
    keep_login(tunnel, Login("1", "secret"))
    assert find_token(tunnel) == "secret"
    assert find_token("http://127.0.0.1:8765") == "of-this-machine"
    monkeypatch.setenv("LAZYAF_TOKEN", "given")
    assert find_token(tunnel) == "given"


def test_only_their_owner_reads_them() -> None:
    keep_login(SERVER, Login("1", "secret"))
    keep_login("http://127.0.0.1:9000", Login("2", "other"))
    assert stat.S_IMODE(logins_path().stat().st_mode) == 0o600
    forget_login(SERVER)
    assert find_login(SERVER) is None
    assert find_login("http://127.0.0.1:9000") == Login("2", "other")


@pytest.mark.parametrize("text", ["", "[]", "{", '{"https://x:443": {}}', '{"https://x:443": 1}'])
def test_a_file_that_is_no_use_is_told(text: str) -> None:
    logins_path().parent.mkdir(parents=True)
    logins_path().write_text(text)
    with pytest.raises(Failure, match=r"logins\.json cannot be read"):
        find_login(SERVER)
