"""`lazyaf repo sandbox`: what jobs may reach from their containers."""

from __future__ import annotations

import pytest

from support.commandline import Git, Lazyaf


@pytest.fixture
def repo(lazyaf: Lazyaf, checkout: Git, name: str) -> str:
    """A repository on the board."""
    assert lazyaf("ingest", checkout.path).exit_code == 0
    return name


def test_hosts_are_added_and_taken_away_one_by_one(lazyaf: Lazyaf, repo: str) -> None:
    assert "besides the model: nothing" in lazyaf("repo", "sandbox", repo).stdout
    lazyaf("repo", "sandbox", repo, "--allow", "Registry.example.com", "--allow", ".example.org:*")
    shown = lazyaf("repo", "sandbox", repo, "--allow", "registry.example.com:443")
    assert "besides the model: registry.example.com:443, .example.org:*\n" in shown.stdout
    fewer = lazyaf.json("repo", "sandbox", repo, "--forbid", "registry.example.com")
    assert fewer["settings"]["allowed_hosts"] == [".example.org:*"]


def test_an_image_is_named_and_taken_back(lazyaf: Lazyaf, repo: str) -> None:
    named = lazyaf("repo", "sandbox", repo, "--image", "registry.example.com/team/app:1")
    assert "Their image: registry.example.com/team/app:1\n" in named.stdout
    assert lazyaf.json("repo", "sandbox", repo, "--image", "")["settings"]["image"] is None


def test_no_host_is_refused_with_how_one_looks(lazyaf: Lazyaf, repo: str) -> None:
    refused = lazyaf("repo", "sandbox", repo, "--allow", "https://registry.example.com/npm")
    assert refused.exit_code == 1
    assert "registry.example.com:443" in refused.output


def test_where_the_file_decides_it_says_so(lazyaf: Lazyaf, repo: str, checkout: Git) -> None:
    config = '[sandbox]\nallow = ["registry.example.com"]\n'
    (checkout.path / ".lazyaf").mkdir()
    checkout.commit(".lazyaf/config.toml", config)
    lazyaf("ingest", checkout.path)
    refused = lazyaf("repo", "sandbox", repo, "--allow", "example.net")
    assert refused.exit_code == 1
    assert "change `sandbox.allow` there" in refused.output
    assert lazyaf("repo", "sandbox", repo, "--image", "app:1").exit_code == 0
