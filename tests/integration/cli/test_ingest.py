"""`lazyaf ingest` against a real server, with repositories of every kind."""

from __future__ import annotations

import base64
from pathlib import Path

from lazyaf.git import command
from support.commandline import Git, Lazyaf
from support.server import ServerProcess


def tips(server: ServerProcess, name: str) -> dict[str, str]:
    """The branches that the server has."""
    page = server.client.get(f"/api/repos/{name}/branches").json()
    return {branch["name"]: branch["sha"] for branch in page["items"]}


def names(server: ServerProcess) -> set[str]:
    return {repo["name"] for repo in server.client.get("/api/repos?limit=1000").json()["items"]}


def test_puts_the_branch_that_is_checked_out_on_the_board(
    lazyaf: Lazyaf, server: ServerProcess, checkout: Git, name: str
) -> None:
    checkout("branch", "other")
    result = lazyaf("ingest", checkout.path)
    assert result.exit_code == 0, result.output
    assert f"{server.url}/r/{name}" in result.stdout
    assert tips(server, name) == {"main": checkout("rev-parse", "HEAD")}
    repo = server.client.get(f"/api/repos/{name}").json()
    assert repo["is_ingested"]
    assert repo["default_branch"] == "main"
    assert repo["remote_url"] is None


def test_leaves_the_repository_as_it_was(lazyaf: Lazyaf, checkout: Git) -> None:
    hooks = checkout.path / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for hook in ("pre-push", "reference-transaction"):
        (hooks / hook).write_text("#!/bin/sh\ntouch ran\nexit 1\n")
        (hooks / hook).chmod(0o755)
    before = (checkout.path / ".git" / "config").read_text(), checkout("for-each-ref")
    assert lazyaf("ingest", checkout.path).exit_code == 0
    assert before == ((checkout.path / ".git" / "config").read_text(), checkout("for-each-ref"))
    assert not (checkout.path / "ran").exists()
    assert checkout("status", "--porcelain") == ""


def test_again_brings_the_server_up_to_date(
    lazyaf: Lazyaf, server: ServerProcess, checkout: Git, name: str
) -> None:
    lazyaf("ingest", checkout.path)
    head = checkout.commit(text="More\n")
    again = lazyaf.json("ingest", checkout.path)
    assert again["pushed"] == [{"ref": "refs/heads/main", "status": "updated"}]
    assert tips(server, name) == {"main": head}


def test_says_when_there_is_nothing_to_push(lazyaf: Lazyaf, checkout: Git) -> None:
    lazyaf("ingest", checkout.path)
    again = lazyaf("ingest", checkout.path)
    assert again.exit_code == 0
    assert "Nothing to push" in again.stdout


def test_takes_one_branch_by_name_and_makes_it_the_default(
    lazyaf: Lazyaf, server: ServerProcess, checkout: Git, name: str
) -> None:
    checkout("branch", "next")
    result = lazyaf("ingest", checkout.path, "--branch", "next")
    assert result.exit_code == 0, result.output
    assert set(tips(server, name)) == {"next"}
    assert server.client.get(f"/api/repos/{name}").json()["default_branch"] == "next"


def test_takes_all_branches_and_tags(
    lazyaf: Lazyaf, server: ServerProcess, checkout: Git, name: str
) -> None:
    checkout("branch", "next")
    checkout("tag", "v1")
    pushed = lazyaf.json("ingest", checkout.path, "--all-branches")["pushed"]
    assert {ref["ref"] for ref in pushed} == {"refs/heads/main", "refs/heads/next", "refs/tags/v1"}
    assert set(tips(server, name)) == {"main", "next"}


def test_tells_the_remote_without_credentials(
    lazyaf: Lazyaf, server: ServerProcess, checkout: Git, name: str
) -> None:
    checkout("remote", "add", "origin", "https://ada:secret@git.example.com/ada/shop.git")
    assert lazyaf("ingest", checkout.path).exit_code == 0
    repo = server.client.get(f"/api/repos/{name}").json()
    assert repo["remote_url"] == "https://git.example.com/ada/shop.git"


def test_settings_of_the_person_cannot_send_the_push_elsewhere(
    lazyaf: Lazyaf, server: ServerProcess, checkout: Git, name: str, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere.git"
    command.run_sync(["init", "--quiet", "--bare", str(elsewhere)])
    settings = Path(lazyaf.env["GIT_CONFIG_GLOBAL"])
    settings.write_text(
        f'{settings.read_text()}[url "{elsewhere}"]\npushInsteadOf = {server.url}/git/\n'
        f"[http]\nproxy = http://127.0.0.1:9\n[push]\ngpgSign = true\n"
    )
    result = lazyaf("ingest", checkout.path, GIT_DIR="/nonexistent")
    assert result.exit_code == 0, result.output
    assert "main" in tips(server, name)


def test_ingests_a_bare_repository(
    lazyaf: Lazyaf, server: ServerProcess, checkout: Git, name: str, tmp_path: Path
) -> None:
    bare = tmp_path / "bare" / f"{name}.git"
    checkout("clone", "--quiet", "--bare", ".", str(bare))
    result = lazyaf("ingest", bare)
    assert result.exit_code == 0, result.output
    assert set(tips(server, name)) == {"main"}


def test_ingests_a_linked_worktree_by_its_own_branch(
    lazyaf: Lazyaf, server: ServerProcess, checkout: Git, tmp_path: Path, name: str
) -> None:
    checkout("worktree", "add", "--quiet", "-b", "side", str(tmp_path / f"{name}-side"))
    result = lazyaf("ingest", tmp_path / f"{name}-side")
    assert result.exit_code == 0, result.output
    assert set(tips(server, f"{name}-side")) == {"side"}


def test_ingests_a_submodule_as_the_repository_that_it_is(
    lazyaf: Lazyaf, server: ServerProcess, checkout: Git, tmp_path: Path, name: str
) -> None:
    outer = tmp_path / "outer"
    command.run_sync(["init", "--quiet", "--initial-branch=main", str(outer)])
    add = ["-c", "protocol.file.allow=always", "submodule", "--quiet", "add"]
    Git(outer)(*add, str(checkout.path), "inner")
    result = lazyaf("ingest", outer / "inner", "--name", f"{name}-inner")
    assert result.exit_code == 0, result.output
    assert set(tips(server, f"{name}-inner")) == {"main"}


def test_a_directory_without_git_is_no_repository(lazyaf: Lazyaf, tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    result = lazyaf("ingest", tmp_path / "plain")
    assert result.exit_code == 1
    assert "is not a git repository" in result.stderr
    assert "git init" in result.stderr


def test_a_path_that_is_not_there_is_a_usage_error(lazyaf: Lazyaf, tmp_path: Path) -> None:
    assert lazyaf("ingest", tmp_path / "nothing").exit_code == 2


def test_a_directory_inside_names_its_repository(lazyaf: Lazyaf, checkout: Git) -> None:
    (checkout.path / "src").mkdir()
    result = lazyaf("ingest", checkout.path / "src")
    assert result.exit_code == 1
    assert f"lazyaf ingest {checkout.path}" in result.stderr


def test_gits_own_directory_is_refused(lazyaf: Lazyaf, checkout: Git) -> None:
    result = lazyaf("ingest", checkout.path / ".git")
    assert result.exit_code == 1
    assert "git's own directory" in result.stderr


def test_a_repository_without_commits_is_refused_and_leaves_no_record(
    lazyaf: Lazyaf, server: ServerProcess, tmp_path: Path, name: str
) -> None:
    command.run_sync(["init", "--quiet", str(tmp_path / name)])
    result = lazyaf("ingest", tmp_path / name)
    assert result.exit_code == 1
    assert "no commits yet" in result.stderr
    assert name not in names(server)


def test_a_detached_head_wants_a_branch(
    lazyaf: Lazyaf, server: ServerProcess, checkout: Git, name: str
) -> None:
    checkout("checkout", "--quiet", "--detach")
    result = lazyaf("ingest", checkout.path)
    assert result.exit_code == 1
    assert "detached" in result.stderr
    assert "main" in result.stderr
    assert lazyaf("ingest", checkout.path, "--branch", "main").exit_code == 0
    assert set(tips(server, name)) == {"main"}


def test_an_unborn_branch_wants_another(lazyaf: Lazyaf, checkout: Git) -> None:
    checkout("checkout", "--quiet", "--orphan", "fresh")
    result = lazyaf("ingest", checkout.path)
    assert result.exit_code == 1
    assert "“fresh”" in result.stderr
    assert "has no commits yet" in result.stderr


def test_an_unknown_branch_is_refused_with_the_known_ones(lazyaf: Lazyaf, checkout: Git) -> None:
    result = lazyaf("ingest", checkout.path, "--branch", "nope")
    assert result.exit_code == 1
    assert "There is no branch “nope”" in result.stderr
    assert "Branches: main" in result.stderr


def test_a_branch_and_all_branches_is_a_usage_error(lazyaf: Lazyaf, checkout: Git) -> None:
    result = lazyaf("ingest", checkout.path, "--branch", "main", "--all-branches")
    assert result.exit_code == 2


def test_a_shallow_clone_is_refused(lazyaf: Lazyaf, checkout: Git, tmp_path: Path) -> None:
    checkout.commit(text="More\n")
    url = checkout.path.as_uri()
    command.run_sync(["clone", "--quiet", "--depth=1", url, str(tmp_path / "shallow")])
    result = lazyaf("ingest", tmp_path / "shallow")
    assert result.exit_code == 1
    assert "git fetch --unshallow" in result.stderr


def test_another_repository_of_the_same_name_is_not_touched(
    lazyaf: Lazyaf, server: ServerProcess, checkout: Git, tmp_path: Path, name: str
) -> None:
    lazyaf("ingest", checkout.path)
    before = tips(server, name)
    (tmp_path / "other").mkdir()
    command.run_sync(["init", "--quiet", "--initial-branch=main", str(tmp_path / "other" / name)])
    other = Git(tmp_path / "other" / name)
    other.commit(text="Something else\n", message="Begin elsewhere")
    result = lazyaf("ingest", other.path)
    assert result.exit_code == 1
    assert f"--name {name}-2" in result.stderr
    assert tips(server, name) == before


def test_a_record_without_content_is_filled(
    lazyaf: Lazyaf, server: ServerProcess, checkout: Git, name: str
) -> None:
    server.client.post("/api/repos", json={"name": name}).raise_for_status()
    assert lazyaf("ingest", checkout.path).exit_code == 0
    assert set(tips(server, name)) == {"main"}


def test_commits_that_only_the_server_has_are_not_overwritten(
    lazyaf: Lazyaf, server: ServerProcess, checkout: Git, name: str
) -> None:
    checkout.commit(text="More\n")
    lazyaf("ingest", checkout.path)
    before = tips(server, name)
    checkout("reset", "--quiet", "--hard", "HEAD~1")
    checkout.commit(text="Otherwise\n")
    result = lazyaf("ingest", checkout.path)
    assert result.exit_code == 1
    assert "Nothing was overwritten" in result.stderr
    assert "[not_fast_forward]" in result.stderr
    assert tips(server, name) == before


def test_a_merge_on_the_server_still_counts_as_the_same_repository(
    lazyaf: Lazyaf, server: ServerProcess, checkout: Git, tmp_path: Path, name: str
) -> None:
    """Its only tip is unknown here then, but the commits below it are not."""
    lazyaf("ingest", checkout.path)
    clone = tmp_path / "clone"
    repo = server.client.get(f"/api/repos/{name}").json()
    checkout("clone", "--quiet", ".", str(clone))
    Git(clone).commit(text="Merged\n")
    url = f"{server.url}{repo['internal_git_url']}"
    word = base64.b64encode(f"lazyaf:{server.token}".encode()).decode()
    Git(clone)("-c", f"http.extraHeader=Authorization: Basic {word}", "push", url, "main")
    result = lazyaf("ingest", checkout.path)
    assert result.exit_code == 1
    assert "[not_fast_forward]" in result.stderr


def test_a_refused_push_leaves_no_record(
    lazyaf: Lazyaf, server: ServerProcess, checkout: Git, name: str
) -> None:
    blob = checkout("hash-object", "-w", "README.md")
    tree = command.run_sync(
        ["mktree"], cwd=checkout.path, stdin=f"100644 blob {blob}\t.git\n".encode()
    ).text
    commit = checkout("commit-tree", tree, "-m", "A tree that no server should take")
    checkout("update-ref", "refs/heads/main", commit)
    result = lazyaf("ingest", checkout.path)
    assert result.exit_code == 1
    assert "hasDotgit" in result.stderr
    assert name not in names(server)


def test_a_branch_that_blocks_the_cards_gets_them_another_prefix(
    lazyaf: Lazyaf, server: ServerProcess, checkout: Git, name: str
) -> None:
    checkout("branch", "lazyaf")
    result = lazyaf("ingest", checkout.path, "--all-branches")
    assert result.exit_code == 0, result.output
    assert "stands in the way" in result.stderr
    settings = server.client.get(f"/api/repos/{name}").json()["settings"]
    assert settings["branch_prefix"] == "lazyaf-cards"


def test_a_prefix_from_the_file_is_only_complained_about(
    lazyaf: Lazyaf, server: ServerProcess, checkout: Git, name: str
) -> None:
    (checkout.path / ".lazyaf").mkdir()
    checkout.commit(".lazyaf/config.toml", 'branch_prefix = "agents/ai"\n')
    checkout("branch", "agents")
    result = lazyaf("ingest", checkout.path, "--all-branches")
    assert result.exit_code == 0, result.output
    assert ".lazyaf/config.toml" in result.stderr
    settings = server.client.get(f"/api/repos/{name}").json()["settings"]
    assert settings["branch_prefix"] == "agents/ai"


def test_a_name_that_cannot_be_is_refused(lazyaf: Lazyaf, checkout: Git) -> None:
    result = lazyaf("ingest", checkout.path, "--name", "a/b")
    assert result.exit_code == 1
    assert "begins with a letter or digit" in result.stderr
