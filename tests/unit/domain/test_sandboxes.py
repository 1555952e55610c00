from __future__ import annotations

import pytest

from lazyaf.domain.sandboxes import AgentNeeds, parse_host


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


def test_a_key_is_not_shown_by_accident() -> None:
    assert "sk-secret" not in repr(AgentNeeds({"KEY": "sk-secret"}, ()))
