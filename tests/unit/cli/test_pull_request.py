"""Which forge a remote is on, and where a pull request is opened there."""

from __future__ import annotations

import pytest

from lazyaf.cli.pull_request import Forge, forge_of


@pytest.mark.parametrize(
    ("remote", "forge"),
    [
        ("https://github.com/ada/shop.git", Forge("github.com", "ada/shop")),
        ("git@github.com:ada/shop.git", Forge("github.com", "ada/shop")),
        ("ssh://git@GitHub.com:22/ada/shop", Forge("github.com", "ada/shop")),
        ("git@gitlab.example.com:team/sub/shop.git", Forge("gitlab.example.com", "team/sub/shop")),
        ("/srv/git/shop.git", None),
        ("file:///srv/git/shop.git", None),
    ],
)
def test_a_remote_names_its_forge(remote: str, forge: Forge | None) -> None:
    assert forge_of(remote) == forge


def test_where_it_is_opened() -> None:
    github = Forge("github.com", "ada/shop").compare_url("main", "lazyaf/1-a b")
    assert github == "https://github.com/ada/shop/compare/main...lazyaf/1-a%20b?expand=1"
    gitlab = Forge("gitlab.com", "ada/shop").compare_url("main", "lazyaf/1-x")
    assert gitlab is not None
    assert gitlab.startswith("https://gitlab.com/ada/shop/-/merge_requests/new?")
    assert "lazyaf%2F1-x" in gitlab
    assert Forge("git.example.com", "ada/shop").compare_url("main", "x") is None
