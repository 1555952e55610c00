"""`lazyaf repo forge` and `lazyaf land --pr` by the server, with a forge that is emulated over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from fakes.forge_server import ForgeServer
from support.commandline import Git, Lazyaf

TOKEN = "s3cret-of-the-forge"


@pytest.fixture
def forge(tmp_path: Path) -> Iterator[ForgeServer]:
    """A GitLab on which ada/shop takes pushes and merge requests from whoever has the token."""
    with ForgeServer("gitlab", tmp_path / "forge") as running:
        running.tokens[TOKEN] = "write"
        yield running


@pytest.fixture
def forged(working: Lazyaf, forge: ForgeServer, checkout: Git, name: str) -> str:
    """A repository whose remote is there; the person's own git has the token, too."""
    url = forge.repo("ada/shop")
    host = urlsplit(url).netloc
    settings = Path(working.env["GIT_CONFIG_GLOBAL"])
    known = f'[url "http://git:{TOKEN}@{host}/"]\n\tinsteadOf = http://{host}/\n'
    settings.write_text(settings.read_text() + known)
    checkout("remote", "add", "origin", url)
    assert working("ingest", checkout.path).exit_code == 0
    return name


def test_the_server_opens_the_merge_request_once_it_has_a_token(
    working: Lazyaf, forge: ForgeServer, forged: str
) -> None:
    unknown = working("repo", "forge", forged)
    assert "Nobody can tell by its name" in unknown.stdout
    known = working("repo", "forge", forged, "--kind", "gitlab", "--api-url", forge.api_url)
    assert f"ada/shop on GitLab, {forge.api_url}, without a token" in known.stdout

    working("land", forged, "--branch", "main", "--yes")
    card = working.in_review(forged)
    branch = working.json("card", "show", forged, card)["branch_name"]
    by_hand = working("land", forged, "--branch", branch, "--pr", "--yes")
    assert f"{forge.origin}/ada/shop/-/merge_requests/new" in by_hand.stdout

    kept = working("repo", "forge", forged, "--set-token", "--test", stdin=f"{TOKEN}\n")
    assert kept.exit_code == 0, kept.output
    assert "with a token" in kept.stdout
    assert "may write there" in kept.stdout
    assert TOKEN not in kept.output
    opened = working("land", forged, "--branch", branch, "--pr", "--yes")
    shown = working.json("card", "show", forged, card)
    assert f"Merge request: {shown['pr_url']}" in opened.stdout
    assert shown["pr_state"] == "open"
    again = working.json("land", forged, "--branch", branch, "--pr")
    assert again["pr_url"] == shown["pr_url"]

    early = working("card", "close", forged, card)
    assert early.exit_code != 0
    assert "not known to be merged" in early.output
    forge.pulls[0].state = "merged"
    assert working("card", "close", forged, card).exit_code == 0
    done = working.json("card", "show", forged, card)
    assert (done["status"], done["pr_state"], done["merged_sha"]) == ("done", "merged", None)

    gone = working("repo", "forge", forged, "--forget-token")
    assert "without a token" in gone.stdout
    refused = working("repo", "forge", forged, "--test")
    assert refused.exit_code != 0
    assert "--set-token" in refused.output


def test_a_token_that_the_forge_refuses_is_told_with_what_to_do(
    working: Lazyaf, forge: ForgeServer, forged: str
) -> None:
    working("repo", "forge", forged, "--kind", "gitlab", "--api-url", forge.api_url)
    wrong = working("repo", "forge", forged, "--set-token", "--test", stdin="another-token")
    assert wrong.exit_code != 0
    assert "does not accept the token" in wrong.output
    assert "another-token" not in wrong.output
    empty = working("repo", "forge", forged, "--set-token", stdin="\n")
    assert "Stdin is empty" in empty.output


def test_what_was_said_of_the_forge_can_be_taken_back(
    working: Lazyaf, forge: ForgeServer, forged: str
) -> None:
    said = working.json("repo", "forge", forged, "--kind", "gitea", "--api-url", forge.api_url)
    assert (said["forge"]["kind"], said["forge"]["api_url"]) == ("gitea", forge.api_url)
    usual = working.json("repo", "forge", forged, "--api-url", "")
    assert usual["forge"]["api_url"] == f"{forge.origin}/api/v1"
    assert working.json("repo", "forge", forged, "--kind", "auto")["forge"]["kind"] is None
