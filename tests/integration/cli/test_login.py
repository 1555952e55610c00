"""From elsewhere: a password, a login, and the commands that work by it."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from support.commandline import Git, Lazyaf
from support.server import ServerProcess

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with a password, set before it was started for the first time."""
    folder = tmp_path_factory.mktemp("far")
    lazyaf = Lazyaf(
        {"LAZYAF_DATA_DIR": str(folder / "data"), "LAZYAF_SERVER": "http://127.0.0.1:1"}
    )
    done = lazyaf("password", "set", "--stdin", stdin=PASSWORD + "\n")
    assert done.exit_code == 0, done.output
    assert done.output.startswith("The password is set.")
    with ServerProcess(folder / "data", None, "--pool", "none") as running:
        yield running


@pytest.fixture
def lazyaf(far: ServerProcess, tmp_path: Path) -> Lazyaf:
    """The command line of somebody who has nothing but the server's address."""
    settings = tmp_path / "gitconfig"
    settings.write_text("[user]\nname = Ada\nemail = ada@localhost\n")
    return Lazyaf(
        {
            "LAZYAF_SERVER": far.url,
            "LAZYAF_DATA_DIR": str(tmp_path / "nothing"),
            "LAZYAF_TOKEN": "",
            "XDG_CONFIG_HOME": str(tmp_path / "config"),
            "GIT_CONFIG_GLOBAL": str(settings),
            "GIT_CONFIG_NOSYSTEM": "1",
        }
    )


def login(lazyaf: Lazyaf, far: ServerProcess, *args: str) -> None:
    done = lazyaf("login", far.url, "--stdin", *args, stdin=PASSWORD + "\n")
    assert done.exit_code == 0, done.output


def names(far: ServerProcess) -> list[str]:
    return [token["name"] for token in far.client.get("/api/tokens").json()["items"]]


def test_a_login_opens_the_other_commands_and_a_logout_closes_them(
    far: ServerProcess, lazyaf: Lazyaf, tmp_path: Path, checkout: Git, name: str
) -> None:
    before = lazyaf("repo", "list")
    assert before.exit_code == 4
    login(lazyaf, far, "--name", "the laptop")
    assert names(far).count("the laptop") == 1
    kept = tmp_path / "config" / "lazyaf" / "logins.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert PASSWORD not in kept.read_text()

    assert lazyaf("ingest", checkout.path).exit_code == 0  # the API and git
    assert name in lazyaf("repo", "list").output
    assert lazyaf("card", "add", name, "--title", "From elsewhere").exit_code == 0

    login(lazyaf, far, "--name", "the laptop")  # once more: the former token is revoked
    assert names(far).count("the laptop") == 1
    assert not any(entry.startswith("Browser") for entry in names(far))  # its session is over

    token_id = next(iter(json.loads(kept.read_text()).values()))["id"]
    assert far.client.delete(f"/api/tokens/{token_id}").status_code == 204
    over = lazyaf("repo", "list")
    assert over.exit_code == 4
    assert f"lazyaf login {far.url}" in over.output
    assert "did not know the token" in lazyaf("logout", far.url).output

    login(lazyaf, far, "--name", "the laptop")
    token = next(iter(json.loads(kept.read_text()).values()))["token"]
    assert lazyaf("logout", far.url).exit_code == 0
    assert "the laptop" not in names(far)
    refused = httpx2.get(
        f"{far.url}/api/repos", headers={"Authorization": f"Bearer {token}"}, trust_env=False
    )
    assert refused.status_code == 401
    assert lazyaf("repo", "list").exit_code == 4
    assert "There is no login" in lazyaf("logout", far.url).output


def test_a_wrong_password_opens_nothing(far: ServerProcess, lazyaf: Lazyaf) -> None:
    done = lazyaf("login", far.url, "--stdin", stdin="wrong horse battery\n")
    assert done.exit_code == 4
    assert "This is not the password." in done.output
    assert lazyaf("repo", "list").exit_code == 4


def test_the_password_is_asked_for_without_showing_it(far: ServerProcess, lazyaf: Lazyaf) -> None:
    done = lazyaf("login", far.url, "--name", "asked", stdin=PASSWORD + "\n")
    assert done.exit_code == 0, done.output
    assert PASSWORD not in done.output
    lazyaf("logout", far.url)


def test_without_tls_no_password_leaves_this_machine(lazyaf: Lazyaf) -> None:
    done = lazyaf("login", "http://192.0.2.1:8765", "--stdin", stdin=PASSWORD)
    assert done.exit_code == 1
    assert "has no TLS" in done.output


def test_a_server_without_a_password_says_where_to_set_one(server: ServerProcess) -> None:
    done = Lazyaf({"LAZYAF_TOKEN": ""})("login", server.url, "--stdin", stdin=PASSWORD)
    assert done.exit_code == 1
    assert "lazyaf password set" in done.output


def test_changing_the_password_of_a_running_server(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with ServerProcess(data, None, "--pool", "none") as running:
        own = Lazyaf({"LAZYAF_SERVER": running.url, "LAZYAF_DATA_DIR": str(data)})
        weak = own("password", "set", "--stdin", stdin="short\n")
        assert weak.exit_code == 1
        assert "at least 12 characters" in weak.output
        typed = f"{PASSWORD}\n{PASSWORD}\n"
        assert own("password", "set", stdin=typed).exit_code == 0
        again = own("password", "set", "--stdin", stdin="another good password\n")
        assert again.exit_code == 0, again.output  # this machine's token needs no current one
        busy = own("password", "set", "--stdin", stdin=PASSWORD, LAZYAF_SERVER="http://127.0.0.1:1")
        assert busy.exit_code == 1
        assert "Name it with --server" in busy.output


def test_from_elsewhere_the_current_password_is_asked_for(
    far: ServerProcess, lazyaf: Lazyaf
) -> None:
    login(lazyaf, far)
    refused = lazyaf("password", "set", "--stdin", stdin=PASSWORD)
    assert refused.exit_code == 1
    assert "current" in refused.output
    typed = f"{PASSWORD}\n{PASSWORD}\n{PASSWORD}\n"
    changed = lazyaf("password", "set", stdin=typed)
    assert changed.exit_code == 0, changed.output
    lazyaf("logout", far.url)
