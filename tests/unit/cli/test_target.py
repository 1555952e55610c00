"""Which server, and which token goes there."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from lazyaf.cli.target import find_token, is_loopback, parse_server


@pytest.fixture
def token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """This machine's token, and none in the environment."""
    (tmp_path / "token").write_text("of-this-machine\n")
    monkeypatch.setenv("LAZYAF_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("LAZYAF_TOKEN", raising=False)
    return "of-this-machine"


@pytest.mark.parametrize("server", ["http://127.0.0.1:1", "http://localhost", "http://[::1]:8765"])
def test_this_machines_token_goes_to_this_machine(token: str, server: str) -> None:
    assert is_loopback(server)
    assert find_token(server) == token


@pytest.mark.parametrize("server", ["https://lazyaf.example.com", "http://192.0.2.1:8765"])
def test_this_machines_token_goes_nowhere_else(token: str, server: str) -> None:
    assert find_token(server) is None


def test_a_token_that_is_given_goes_where_it_is_told(
    token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAZYAF_TOKEN", " given ")
    assert find_token("https://lazyaf.example.com") == "given"


@pytest.mark.parametrize(
    ("said", "url"),
    [
        ("127.0.0.1:8765", "http://127.0.0.1:8765"),
        ("http://localhost:1/", "http://localhost:1"),
        ("https://example.com/lazyaf/", "https://example.com/lazyaf"),
    ],
)
def test_a_server_is_a_url(said: str, url: str) -> None:
    assert parse_server(said) == url


@pytest.mark.parametrize("said", ["", "file:///x", "http://a:b", "http://ada:secret@host"])
def test_what_is_no_server(said: str) -> None:
    with pytest.raises(click.BadParameter):
        parse_server(said)
