"""Secrets of a repository by the command line: named, set and deleted, and never shown."""

from __future__ import annotations

import json

from support.commandline import Lazyaf
from support.server import ServerProcess

KEY = "-----BEGIN KEY-----\nc2VjcmV0\n-----END KEY-----\n"


def added(server: ServerProcess, name: str) -> str:
    server.client.post("/api/repos", json={"name": name}).raise_for_status()
    return name


def test_a_secret_is_set_listed_and_deleted(
    lazyaf: Lazyaf, server: ServerProcess, name: str
) -> None:
    repo = added(server, name)
    assert "has no secrets" in lazyaf("secret", "list", repo).stdout
    assert lazyaf("secret", "set", repo, "KEY", "--stdin", stdin=KEY).exit_code == 0
    typed = lazyaf("secret", "set", repo, "TOKEN", stdin="hunter2hunter2\n")
    assert typed.exit_code == 0
    assert "hunter2" not in typed.output

    listed = lazyaf("secret", "list", repo).stdout
    assert [line.split()[0] for line in listed.splitlines()[1:]] == ["KEY", "TOKEN"]
    assert "c2VjcmV0" not in listed
    found = json.loads(lazyaf("secret", "list", repo, "--json").stdout)
    assert [item["name"] for item in found["items"]] == ["KEY", "TOKEN"]

    assert lazyaf("secret", "delete", repo, "KEY").exit_code == 0
    assert "KEY" not in lazyaf("secret", "list", repo).stdout
    gone = lazyaf("secret", "delete", repo, "KEY")
    assert gone.exit_code != 0
    assert f"{repo} has no secret KEY" in gone.stderr


def test_what_cannot_be_kept_is_refused_with_a_sentence(
    lazyaf: Lazyaf, server: ServerProcess, name: str
) -> None:
    repo = added(server, name)
    assert "Stdin is empty" in lazyaf("secret", "set", repo, "KEY", "--stdin", stdin="\n").stderr
    misnamed = lazyaf("secret", "set", repo, "a-key", "--stdin", stdin="value")
    assert misnamed.exit_code != 0
    assert "letters, digits and underscores" in misnamed.stderr
    assert "has no secrets" in lazyaf("secret", "list", repo).stdout
