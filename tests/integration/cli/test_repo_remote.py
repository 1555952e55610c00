"""`lazyaf repo add`, `fetch` and `set`: the server is its own remote here, which wants credentials."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from lazyaf.cli import repo_remote
from support.commandline import Git, Lazyaf
from support.server import ServerProcess
from support.sshd import make_ssh_host


@pytest.fixture
def url(lazyaf: Lazyaf, checkout: Git, server: ServerProcess, name: str) -> str:
    """Where the checkout is to be had, for who knows the token."""
    assert lazyaf("ingest", checkout.path).exit_code == 0
    shown = server.client.get(f"/api/repos/{name}").json()
    return f"{server.url}{shown['internal_git_url']}"


def token(server: ServerProcess) -> str:
    return (server.data_dir / "token").read_text().strip()


def with_login(server: ServerProcess, url: str) -> str:
    return url.replace("http://", f"http://lazyaf:{token(server)}@")


def landed(server: ServerProcess, name: str) -> list[Any]:
    """The data of every landing of this repository."""
    repo = server.client.get(f"/api/repos/{name}").json()["id"]
    with sqlite3.connect(f"file:{server.data_dir / 'lazyaf.db'}?mode=ro", uri=True) as conn:
        rows = conn.execute("SELECT data FROM events WHERE type = 'branch.landed'").fetchall()
    conn.close()
    return [data for (text,) in rows if (data := json.loads(text))["repo_id"] == repo]


def test_the_server_fetches_it(
    lazyaf: Lazyaf, server: ServerProcess, url: str, name: str, checkout: Git
) -> None:
    shown = lazyaf.json("repo", "add", with_login(server, url), "--name", f"{name}-copy")
    assert (shown["import_state"], shown["remote_url"]) == ("ready", url)
    assert shown["has_credentials"] is True
    new = checkout.commit(text="More\n")
    lazyaf("ingest", checkout.path)
    again = lazyaf("repo", "fetch", f"{name}-copy")
    assert again.exit_code == 0, again.output
    assert f"{name}-copy is on the board" in again.stdout
    [branch] = server.client.get(f"/api/repos/{name}-copy/branches").json()["items"]
    assert branch["sha"] == new
    listed = lazyaf("repo", "list").stdout
    assert f"{name}-copy" in listed
    assert token(server) not in listed


def test_asks_as_often_as_the_remote_wants_others(
    lazyaf: Lazyaf,
    server: ServerProcess,
    url: str,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(repo_remote, "someone_is_there", lambda: True)
    typed = f"lazyaf\nwrong\n\n{token(server)}\n"
    result = lazyaf("repo", "add", url, "--name", f"{name}-copy", stdin=typed)
    assert result.exit_code == 0, result.output
    assert "wants to know who you are" in result.stderr
    assert "did not accept" in result.stderr
    assert token(server) not in result.output


def test_says_what_it_wants_where_nobody_can_be_asked(lazyaf: Lazyaf, url: str, name: str) -> None:
    result = lazyaf("repo", "add", url, "--name", f"{name}-copy")
    assert result.exit_code == 1
    assert "[credentials_wanted]" in result.stderr


def test_refuses_a_path(lazyaf: Lazyaf, checkout: Git) -> None:
    result = lazyaf("repo", "add", checkout.path)
    assert result.exit_code == 1
    assert "lazyaf ingest PATH" in result.stderr


def test_over_ssh_the_key_is_shown_and_then_fetched_with(
    lazyaf: Lazyaf, checkout: Git, name: str, tmp_path: Path
) -> None:
    host = make_ssh_host(tmp_path / "sshd")
    with host.running():
        url = host.url(checkout.path / ".git")
        added = lazyaf("repo", "add", url, "--name", f"{name}-ssh")
        assert added.exit_code == 0, added.output
        assert added.stdout.startswith("ssh-ed25519 ")
        assert host.fingerprint() in added.stderr
        assert f"lazyaf repo fetch {name}-ssh" in added.stderr
        assert "key wanted" in lazyaf("repo", "list").stdout
        refused = lazyaf("repo", "fetch", f"{name}-ssh")
        assert (refused.exit_code, "[deploy_key_refused]" in refused.stderr) == (1, True)
        host.let_in(added.stdout.strip())
        fetched = lazyaf("repo", "fetch", f"{name}-ssh")
        assert f"{name}-ssh is on the board" in fetched.stdout, fetched.output


def test_set_protects_and_chooses_how_to_merge(lazyaf: Lazyaf, checkout: Git, name: str) -> None:
    lazyaf("ingest", checkout.path)
    words = ["--merge-method", "squash", "--protect", "release/*", "--protect", "v?"]
    shown = lazyaf("repo", "set", name, *words, "--only-approve")
    assert shown.exit_code == 0, shown.output
    assert "Approving makes: squash" in shown.stdout
    assert "main, release/*, v?" in shown.stdout
    checkout.commit(text="More\n")
    refused = lazyaf("ingest", checkout.path)
    assert refused.exit_code == 1
    assert "protected branch main: approve the card instead" in refused.output
    back = lazyaf.json("repo", "set", name, "--protect-none", "--people-push")
    assert back["settings"]["protected_branches"] == []
    assert lazyaf("ingest", checkout.path).exit_code == 0


def test_set_says_how_often_to_fetch(lazyaf: Lazyaf, checkout: Git, name: str) -> None:
    lazyaf("ingest", checkout.path)
    shown = lazyaf("repo", "set", name, "--sync-every", "15m")
    assert "Fetched from the remote every 15 minutes" in shown.stdout
    assert lazyaf.json("repo", "set", name)["settings"]["sync_every_s"] == 900
    assert lazyaf("repo", "set", name, "--sync-every", "30s").exit_code == 1
    never = lazyaf.json("repo", "set", name, "--sync-every", "never")
    assert never["settings"]["sync_every_s"] is None


def test_landing_is_told_to_the_board_once_it_is_pushed(
    lazyaf: Lazyaf, server: ServerProcess, url: str, name: str, checkout: Git
) -> None:
    nowhere = lazyaf("land", name, "--branch", "main", "--remote", checkout.path / "nowhere.git")
    assert nowhere.exit_code == 1
    assert landed(server, name) == []
    remote = checkout.path.parent / "remote.git"
    checkout("init", "--quiet", "--bare", str(remote))
    result = lazyaf("land", name, "--branch", "main", "--remote", remote)
    assert result.exit_code == 0, result.output
    [told] = landed(server, name)
    assert (told["branch"], told["sha"]) == ("main", checkout("rev-parse", "HEAD"))
    assert told["remote_url"] == str(remote)
