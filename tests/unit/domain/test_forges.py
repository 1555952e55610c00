"""Which forge a remote is on, where its API is, and where a pull request is opened and found there."""

from __future__ import annotations

import pytest

from lazyaf.domain.errors import Conflict
from lazyaf.domain.forges import (
    ForgeKind,
    Place,
    compare_url,
    forge_repo,
    is_api_url,
    kind_of,
    place_of,
    pull_number,
)

HUB = Place("https://github.com", "ada/shop")


@pytest.mark.parametrize(
    ("remote", "place"),
    [
        ("https://github.com/ada/shop.git", HUB),
        ("git@github.com:ada/shop.git", HUB),
        ("ssh://git@GitHub.com:22/ada/shop", HUB),
        ("https://ada:secret@github.com/ada/shop", HUB),
        ("http://git.example.com:3000/ada/shop", Place("http://git.example.com:3000", "ada/shop")),
        (
            "git@gitlab.example.com:team/sub/shop.git",
            Place("https://gitlab.example.com", "team/sub/shop"),
        ),
        ("/srv/git/shop.git", None),
        ("file:///srv/git/shop.git", None),
        ("https://github.com/../shop", None),
        ("https://github.com:port/ada/shop", None),
    ],
)
def test_a_remote_names_its_place(remote: str, place: Place | None) -> None:
    assert place_of(remote) == place


@pytest.mark.parametrize(
    ("host", "kind"),
    [
        ("github.com", ForgeKind.GITHUB),
        ("codeberg.org", ForgeKind.GITEA),
        ("gitlab.example.com:8443", ForgeKind.GITLAB),
        ("acme.ghe.com", ForgeKind.GITHUB),
        ("forgejo-eu.example.com", ForgeKind.GITEA),
        ("notgithub.example.com", None),
        ("git.example.com", None),
    ],
)
def test_a_hosts_name_tells_what_it_is(host: str, kind: ForgeKind | None) -> None:
    assert kind_of(host) is kind


@pytest.mark.parametrize(
    ("remote", "kind", "api"),
    [
        ("https://github.com/ada/shop", None, "https://api.github.com"),
        ("https://acme.ghe.com/ada/shop", None, "https://api.acme.ghe.com"),
        ("https://github.example.com/ada/shop", None, "https://github.example.com/api/v3"),
        ("git@gitlab.com:ada/shop.git", None, "https://gitlab.com/api/v4"),
        ("http://127.0.0.1:3000/ada/shop", "gitea", "http://127.0.0.1:3000/api/v1"),
        ("https://example.com/git/ada/shop", "gitea", "https://example.com/git/api/v1"),
    ],
)
def test_where_the_api_is(remote: str, kind: str | None, api: str) -> None:
    at = forge_repo(remote, kind)
    assert (at.api_url, at.path) == (api, "ada/shop")


@pytest.mark.parametrize("remote", [None, "/srv/shop.git", "https://git.example.com/ada/shop"])
def test_what_nobody_can_tell_is_said(remote: str | None) -> None:
    with pytest.raises(Conflict) as refused:
        forge_repo(remote)
    assert refused.value.code == "forge_unknown"


def test_where_one_is_opened_by_hand() -> None:
    hub = compare_url(ForgeKind.GITHUB, HUB, "main", "lazyaf/1-a b")
    assert hub == "https://github.com/ada/shop/compare/main...lazyaf/1-a%20b?expand=1"
    lab = compare_url(ForgeKind.GITLAB, Place("https://gitlab.com", "ada/shop"), "main", "a/1-x")
    assert lab is not None
    assert lab.startswith("https://gitlab.com/ada/shop/-/merge_requests/new?")
    assert "a%2F1-x" in lab
    assert compare_url(None, Place("https://git.example.com", "ada/shop"), "main", "x") is None


@pytest.mark.parametrize(
    ("url", "number"),
    [
        ("https://github.com/ada/shop/pull/12", 12),
        ("https://github.com/ada/shop/pull/12/files", 12),
        ("https://github.com/ada/other/pull/12", None),
        ("https://github.com/ada/shop/issues/12", None),
        ("https://gitlab.com/ada/shop/-/merge_requests/12", None),
        ("https://github.com.evil.example/ada/shop/pull/12", None),
        ("javascript:alert(1)", None),
    ],
)
def test_a_page_names_a_pull_request_of_this_repository_alone(url: str, number: int | None) -> None:
    assert pull_number(forge_repo("https://github.com/ada/shop"), url) == number


@pytest.mark.parametrize(
    ("url", "may_be"),
    [
        ("https://git.example.com/api/v1", True),
        ("http://127.0.0.1:3000/api/v1", True),
        ("https://ada:secret@git.example.com/api", False),
        ("https://git.example.com/api?token=1", False),
        ("ftp://git.example.com/api", False),
        ("https://:0/api", False),
    ],
)
def test_a_token_goes_to_plain_http_urls_only(url: str, may_be: bool) -> None:
    assert is_api_url(url) is may_be
