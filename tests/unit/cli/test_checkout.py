"""Names and remotes of repositories, as they are told to the server."""

from __future__ import annotations

from pathlib import Path

import pytest

from lazyaf.cli.checkout import name_of, without_credentials


@pytest.mark.parametrize(
    ("directory", "name"),
    [
        ("/src/shop", "shop"),
        ("/src/shop.git", "shop"),
        ("/src/shop/.git", "shop"),
        ("/src/My Shop (new)", "My-Shop-new-"),
        ("/src/.dotfiles", "dotfiles"),
        ("/src/日本", "repository"),
        (f"/src/{'a' * 150}", "a" * 100),
        ("/", "repository"),
    ],
)
def test_a_name_is_made_of_the_directory(directory: str, name: str) -> None:
    assert name_of(Path(directory)) == name


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://git.example.com/a/b.git", "https://git.example.com/a/b.git"),
        ("https://ada:secret@git.example.com/a/b.git", "https://git.example.com/a/b.git"),
        ("https://token@git.example.com:8443/a/b", "https://git.example.com:8443/a/b"),
        ("https://git.example.com/a/b?private_token=x", "https://git.example.com/a/b"),
        ("ssh://git@git.example.com:22/a/b", "ssh://git@git.example.com:22/a/b"),
        ("ssh://git:secret@git.example.com/a/b", "ssh://git@git.example.com/a/b"),
        ("git@git.example.com:a/b.git", "git@git.example.com:a/b.git"),
        ("../other.git", "/src/other.git"),
        ("/srv/git/b.git", "/srv/git/b.git"),
        ("file:///srv/git/b.git", "file:///srv/git/b.git"),
    ],
)
def test_a_remote_is_told_without_credentials(url: str, told: str) -> None:
    assert without_credentials(url, Path("/src/shop")) == told
