"""`lazyaf land`: from the server to a real remote, with the person's git settings."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lazyaf.cli import land as cli_land
from lazyaf.git import command
from support.commandline import Git, Lazyaf
from support.server import ServerProcess

GITHUB = "https://github.com/ada/shop.git"


@pytest.fixture
def remote(tmp_path: Path) -> Git:
    """A real remote."""
    path = tmp_path / "remote.git"
    command.run_sync(["init", "--quiet", "--bare", "--initial-branch=main", str(path)])
    return Git(path)


@pytest.fixture
def landing(lazyaf: Lazyaf, checkout: Git, remote: Git) -> Git:
    """A repository on the board that came from the remote."""
    checkout("remote", "add", "origin", str(remote.path))
    assert lazyaf("ingest", checkout.path).exit_code == 0
    return checkout


def stands_for(lazyaf: Lazyaf, url: str, remote: Git) -> None:
    """Let the person's git settings lead from a URL to the remote."""
    settings = Path(lazyaf.env["GIT_CONFIG_GLOBAL"])
    settings.write_text(f'{settings.read_text()}[url "{remote.path}"]\n\tinsteadOf = {url}\n')


def fake_gh(folder: Path, script: str) -> str:
    """A PATH on which ``gh`` writes down what it is told, then does ``script``."""
    folder.mkdir()
    program = folder / "gh"
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {folder}/argv\n{script}\n')
    program.chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


def test_pushes_a_branch_to_the_repositorys_remote_from_anywhere(
    lazyaf: Lazyaf, landing: Git, remote: Git, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    result = lazyaf("land", name, "--branch", "main")
    assert result.exit_code == 0, result.output
    assert f"main is on {remote.path}" in result.stdout
    assert remote("rev-parse", "main") == landing("rev-parse", "main")


def test_says_when_the_remote_has_it_already(lazyaf: Lazyaf, landing: Git, name: str) -> None:
    lazyaf("land", name, "--branch", "main")
    again = lazyaf.json("land", name, "--branch", "main")
    assert again["pushed"] is False


def test_the_persons_git_settings_count(
    lazyaf: Lazyaf, landing: Git, remote: Git, name: str
) -> None:
    stands_for(lazyaf, "work:shop", remote)
    result = lazyaf("land", name, "--branch", "main", "--remote", "work:shop")
    assert result.exit_code == 0, result.output
    assert remote("rev-parse", "main") == landing("rev-parse", "main")


def test_never_forces_a_remote_that_moved(
    lazyaf: Lazyaf, landing: Git, remote: Git, name: str, tmp_path: Path
) -> None:
    lazyaf("land", name, "--branch", "main")
    remote("clone", "--quiet", ".", str(tmp_path / "another"))
    moved = Git(tmp_path / "another").commit(text="Of another person\n")
    Git(tmp_path / "another")("push", "--quiet", "origin", "main")
    landing.commit(text="More\n")
    lazyaf("ingest", landing.path)
    result = lazyaf("land", name, "--branch", "main")
    assert result.exit_code == 1
    assert "[remote_moved]" in result.stderr
    assert remote("rev-parse", "main") == moved


@pytest.fixture
def other(landing: Git, lazyaf: Lazyaf, remote: Git, name: str, tmp_path: Path) -> Git:
    """A clone of the remote, once main is there."""
    assert lazyaf("land", name, "--branch", "main").exit_code == 0
    remote("clone", "--quiet", ".", str(tmp_path / "another"))
    return Git(tmp_path / "another")


def test_shows_what_it_would_push(
    lazyaf: Lazyaf, landing: Git, remote: Git, name: str, other: Git
) -> None:
    before = remote("rev-parse", "main")
    new = landing.commit(text="More\n", message="Say more")
    lazyaf("ingest", landing.path)
    shown = lazyaf("land", name, "-b", "main", "--dry-run")
    assert shown.exit_code == 0, shown.output
    assert f"main at {new[:12]} → {remote.path} ({before[:12]})" in shown.stderr
    assert "1 commit to push:" in shown.stderr
    assert "Say more" in shown.stderr
    told = lazyaf.json("land", name, "-b", "main", "-n")
    assert (told["state"], told["ahead"], told["behind"]) == ("ahead", 1, 0)
    assert (told["sha"], told["remote_sha"], told["pushed"]) == (new, before, False)
    assert remote("rev-parse", "main") == before


def test_a_new_branch_brings_what_the_remote_has_not(
    lazyaf: Lazyaf, landing: Git, name: str, other: Git
) -> None:
    landing("switch", "--quiet", "-c", "side")
    landing.commit(text="More\n")
    lazyaf("ingest", landing.path, "--branch", "side")
    told = lazyaf.json("land", name, "-b", "side", "--dry-run")
    assert (told["state"], told["ahead"], told["remote_sha"]) == ("new", 1, None)


def test_asks_whoever_is_there(
    lazyaf: Lazyaf, landing: Git, remote: Git, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli_land, "someone_is_there", lambda: True)
    declined = lazyaf("land", name, "-b", "main", stdin="n\n")
    assert declined.exit_code == 1
    assert remote("for-each-ref") == ""
    assert lazyaf("land", name, "-b", "main", stdin="y\n").exit_code == 0
    assert remote("rev-parse", "main") == landing("rev-parse", "main")
    landing.commit(text="More\n")
    lazyaf("ingest", landing.path)
    assert lazyaf("land", name, "-b", "main", "--yes").exit_code == 0
    assert remote("rev-parse", "main") == landing("rev-parse", "main")


def test_merges_a_remote_that_moved(
    lazyaf: Lazyaf, landing: Git, remote: Git, name: str, other: Git, server: ServerProcess
) -> None:
    theirs = other.commit("theirs.txt", "1\n")
    other("push", "--quiet", "origin", "main")
    ours = landing.commit("ours.txt", "1\n")
    lazyaf("ingest", landing.path)
    result = lazyaf("land", name, "-b", "main", "--merge")
    assert result.exit_code == 0, result.output
    assert remote("log", "-1", "--format=%P", "main") == f"{ours} {theirs}"
    [branch] = server.client.get(f"/api/repos/{name}/branches").json()["items"]
    assert branch["sha"] == remote("rev-parse", "main")
    assert (branch["remote"]["ahead"], branch["remote"]["behind"]) == (0, 0)


def test_forwards_a_branch_that_is_only_behind(
    lazyaf: Lazyaf, landing: Git, name: str, other: Git, server: ServerProcess
) -> None:
    theirs = other.commit("theirs.txt", "1\n")
    other("push", "--quiet", "origin", "main")
    told = lazyaf.json("land", name, "-b", "main", "--merge")
    assert (told["state"], told["pushed"], told["sha"]) == ("current", False, theirs)
    [branch] = server.client.get(f"/api/repos/{name}/branches").json()["items"]
    assert branch["sha"] == theirs


def test_a_merge_that_conflicts_changes_nothing(
    lazyaf: Lazyaf, landing: Git, remote: Git, name: str, other: Git, server: ServerProcess
) -> None:
    theirs = other.commit("a.txt", "theirs\n")
    other("push", "--quiet", "origin", "main")
    ours = landing.commit("a.txt", "ours\n")
    lazyaf("ingest", landing.path)
    result = lazyaf("land", name, "-b", "main", "--merge")
    assert result.exit_code == 1
    assert "[merge_conflict]\n  a.txt" in result.stderr
    assert remote("rev-parse", "main") == theirs
    [branch] = server.client.get(f"/api/repos/{name}/branches").json()["items"]
    assert branch["sha"] == ours


def test_tells_the_words_of_a_remote_that_refuses(
    lazyaf: Lazyaf, landing: Git, remote: Git, name: str
) -> None:
    hook = remote.path / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho Not on a Friday >&2\nexit 1\n")
    hook.chmod(0o755)
    result = lazyaf("land", name, "--branch", "main")
    assert result.exit_code == 1
    assert "Not on a Friday" in result.stderr
    assert "pre-receive hook declined" in result.stderr


def test_a_remote_that_is_not_there(
    lazyaf: Lazyaf, landing: Git, name: str, tmp_path: Path
) -> None:
    result = lazyaf("land", name, "--branch", "main", "--remote", tmp_path / "nowhere.git")
    assert result.exit_code == 1
    assert "could not be reached" in result.stderr


def test_an_unknown_branch(lazyaf: Lazyaf, landing: Git, name: str) -> None:
    result = lazyaf("land", name, "--branch", "nope")
    assert result.exit_code == 1
    assert f"There is no branch “nope” in {name}" in result.stderr


def test_a_repository_without_a_remote(lazyaf: Lazyaf, checkout: Git, name: str) -> None:
    lazyaf("ingest", checkout.path)
    result = lazyaf("land", name, "--branch", "main")
    assert result.exit_code == 1
    assert "has no remote" in result.stderr


def test_an_unknown_repository(lazyaf: Lazyaf) -> None:
    result = lazyaf("land", "nothing", "--branch", "main")
    assert result.exit_code == 1
    assert "[not_found]" in result.stderr


def test_opens_a_pull_request_with_gh(
    lazyaf: Lazyaf, landing: Git, remote: Git, name: str, tmp_path: Path
) -> None:
    stands_for(lazyaf, GITHUB, remote)
    path = fake_gh(tmp_path / "bin", "echo https://github.com/ada/shop/pull/7")
    landing("branch", "side")
    lazyaf("ingest", landing.path, "--branch", "side")
    result = lazyaf("land", name, "--branch", "side", "--remote", GITHUB, "--pr", PATH=path)
    assert result.exit_code == 0, result.output
    assert "https://github.com/ada/shop/pull/7" in result.stdout
    told = (tmp_path / "bin" / "argv").read_text().split("\n")
    assert told[:4] == ["pr", "create", "--repo", "github.com/ada/shop"]
    assert told[4:10] == ["--base", "main", "--head", "side", "--title", "side"]


def test_says_why_gh_opened_none(
    lazyaf: Lazyaf, landing: Git, remote: Git, name: str, tmp_path: Path
) -> None:
    stands_for(lazyaf, GITHUB, remote)
    path = fake_gh(tmp_path / "bin", "echo 'no commits between main and main' >&2; exit 1")
    result = lazyaf("land", name, "--branch", "main", "--remote", GITHUB, "--pr", PATH=path)
    assert result.exit_code == 1
    assert "no commits between" in result.stderr


def test_without_gh_shows_where_to_open_it(
    lazyaf: Lazyaf, landing: Git, remote: Git, name: str, tmp_path: Path
) -> None:
    stands_for(lazyaf, GITHUB, remote)
    (tmp_path / "bin").mkdir()
    for program in ("git", "sh"):
        where = next(
            Path(d) / program for d in ("/usr/bin", "/bin") if (Path(d) / program).exists()
        )
        (tmp_path / "bin" / program).symlink_to(where)
    result = lazyaf(
        "land", name, "-b", "main", "--remote", GITHUB, "--pr", PATH=str(tmp_path / "bin")
    )
    assert result.exit_code == 0, result.output
    assert "https://cli.github.com" in result.stdout
    assert "https://github.com/ada/shop/compare/main...main?expand=1" in result.stdout


def test_a_path_takes_no_pull_request(lazyaf: Lazyaf, landing: Git, name: str) -> None:
    result = lazyaf("land", name, "--branch", "main", "--pr")
    assert result.exit_code == 1
    assert "is on no forge" in result.stderr


def test_a_pull_request_is_noted_on_its_card(
    working: Lazyaf,
    working_server: ServerProcess,
    checkout: Git,
    remote: Git,
    name: str,
    tmp_path: Path,
) -> None:
    stands_for(working, GITHUB, remote)
    assert working("ingest", checkout.path).exit_code == 0
    script = "echo more >> README.md && git commit -qam More"
    card = working.json("card", "add", name, "-t", "Say more", "--command", script, "--start")
    assert working("card", "log", name, card["number"], "--follow").exit_code == 0
    branch = working.json("card", "show", name, card["number"])["branch_name"]
    path = fake_gh(tmp_path / "bin", "cat > /dev/null; echo https://github.com/ada/shop/pull/8")
    words = ("land", name, "--branch", branch, "--remote", GITHUB, "--pr")
    landed = working.json(*words, PATH=path)
    assert landed["pr_url"] == "https://github.com/ada/shop/pull/8"
    assert working.json("card", "show", name, card["number"])["pr_url"] == landed["pr_url"]
    assert "Say more" in (tmp_path / "bin" / "argv").read_text()
