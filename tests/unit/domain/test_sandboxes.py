from __future__ import annotations

import pytest

from lazyaf.domain.sandboxes import AgentNeeds, is_never_reached, parse_host


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("api.example.com:443", "api.example.com:443"),
        (" Registry.Example.COM ", "registry.example.com:443"),
        (".example.com:*", ".example.com:*"),
        ("192.0.2.7:8080", "192.0.2.7:8080"),
        ("localhost:80", "localhost:80"),
    ],
)
def test_a_host(text: str, host: str) -> None:
    assert parse_host(text) == host


@pytest.mark.parametrize(
    "text",
    [
        "",
        "*",
        "*:443",
        "https://example.com",
        "a b:1",
        "a:0",
        "a:65536",
        "a:x",
        "a/b:1",
        ":443",
        "..a:1",
        "a..b:1",
        "a.:1",
        f"{'a' * 250}/path",
        f"{'a.' * 100}/path",
    ],
)
def test_no_host(text: str) -> None:
    assert parse_host(text) is None


@pytest.mark.parametrize(
    ("host", "never"),
    [
        ("127.0.0.1:80", True),
        ("169.254.169.254:80", True),
        ("0.0.0.0:*", True),
        ("224.0.0.1:443", True),
        ("10.1.2.3:443", False),
        ("192.0.2.7:443", False),
        ("registry.example.com:443", False),
    ],
)
def test_some_addresses_are_never_reached(host: str, never: bool) -> None:
    assert is_never_reached(host) is never


def test_a_key_is_not_shown_by_accident() -> None:
    assert "sk-secret" not in repr(AgentNeeds({"KEY": "sk-secret"}, ()))
