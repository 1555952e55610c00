"""URLs of remotes: which may be fetched, and where a credential in them goes."""

from __future__ import annotations

import pytest

from lazyaf.domain.errors import Invalid
from lazyaf.domain.remotes import (
    Login,
    Remote,
    fingerprints,
    name_of,
    origin_of,
    parse_remote,
    require_fetchable,
    ssh_host,
)


@pytest.mark.parametrize(
    ("url", "clean", "login"),
    [
        ("https://host.test/a.git", "https://host.test/a.git", None),
        ("HTTPS://Host.test/a", "https://Host.test/a", None),
        (
            "https://t0ken@host.test:8443/a.git",
            "https://host.test:8443/a.git",
            Login("https://host.test:8443", "t0ken", ""),
        ),
        (
            "http://ann:p%40ss%3A@host.test/a?x=1",
            "http://host.test/a?x=1",
            Login("http://host.test", "ann", "p@ss:"),
        ),
        ("git@host.test:a.git", "git@host.test:a.git", None),
        ("ssh://git@host.test/a.git", "ssh://git@host.test/a.git", None),
        ("/srv/a.git", "/srv/a.git", None),
    ],
)
def test_a_credential_leaves_the_url(url: str, clean: str, login: Login | None) -> None:
    assert parse_remote(url) == Remote(clean, login)


def test_what_is_given_beside_the_url_wins() -> None:
    remote = parse_remote("https://old:one@host.test/a", "ann", "secret")
    assert remote == Remote("https://host.test/a", Login("https://host.test", "ann", "secret"))
    token = parse_remote("https://host.test/a", None, "secret").login
    assert token is not None
    assert token.username == "git"
    assert "secret" not in repr(remote)


@pytest.mark.parametrize("name", ["a:b", "a\nb"])
def test_a_user_name_must_fit_into_a_header(name: str) -> None:
    with pytest.raises(Invalid):
        parse_remote("https://host.test/a", name, "secret")


def test_only_http_takes_a_password() -> None:
    with pytest.raises(Invalid):
        parse_remote("git@host.test:a.git", "ann", "secret")


@pytest.mark.parametrize(
    "url", ["https://", "https://:80/x", "https://host:99999/x", "https://h/a b", "https://h/\\x"]
)
def test_a_broken_url_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_remote(url.replace("//", "//ann:secret@"))
    assert "secret" not in refused.value.detail


@pytest.mark.parametrize(
    "url",
    [
        "file:///x",
        "/x",
        "x",
        "ext::sh -c id",
        "-x",
        "ssh://h/x",
        "ssh://git:secret@h/x",
        "ssh://git@h:99999999/x",
        "ssh://git@-oProxyCommand=id/x",
        "git@-oProxyCommand=id:x",
        "git@h:-x",
        "git@h:",
        "git@h:x y",
        "git@h:x\n",
        "git://h/x",
        "ftp://h/x",
    ],
)
def test_what_is_not_fetched(url: str) -> None:
    with pytest.raises(Invalid):
        require_fetchable(url)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("git@host.test:ada/shop.git", "host.test"),
        ("git@host.test:/srv/shop.git", "host.test"),
        ("ssh://git@host.test/ada/shop.git", "host.test"),
        ("ssh://git@host.test:2222/ada/shop.git", "host.test:2222"),
        ("https://git@host.test/ada/shop.git", None),
    ],
)
def test_a_host_of_ssh(url: str, host: str | None) -> None:
    assert ssh_host(url) == host
    require_fetchable(url)
    assert name_of(url) == "shop"


def test_fingerprints_are_as_ssh_says_them() -> None:
    # That of GitHub's Ed25519 key, as it publishes it.
    blob = "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
    printed = "ssh-ed25519 SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU"
    assert fingerprints(f"github.com ssh-ed25519 {blob}\n\n") == [printed]
    assert fingerprints("") == []


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://host.test/ada/shop.git", "shop"),
        ("https://host.test/ada/my%20shop/", "my-shop"),
        ("https://host.test/", ""),
        ("https://host.test/..", ""),
    ],
)
def test_the_name_is_the_last_word(url: str, name: str) -> None:
    assert name_of(url) == name


def test_an_origin_is_scheme_host_and_port() -> None:
    assert origin_of("https://ann@Host.test:1/x") == "https://host.test:1"
    assert origin_of("git@host.test:x") is None
