"""A copy of a repository in use: everything that its refs name, and nothing half."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import pytest

from lazyaf.domain.errors import GitFailed
from lazyaf.git import copy
from support.history import bare_copy, commit_files, git, make_repository

SHA = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "checkout", commits=30, files={"readme.md": "one\n"})


@pytest.fixture
def bare(checkout: Path, tmp_path: Path) -> Path:
    """A bare repository with a packed history, a loose commit and refs of every kind."""
    bare = bare_copy(checkout, tmp_path / "source.git")
    loose = git(bare, "commit-tree", "main^{tree}", "-p", "main", "-m", "loose")
    git(bare, "update-ref", "refs/lazyaf/jobs/a/1/head", loose)
    git(bare, "update-ref", "refs/lazyaf/archive/1/1", "main~3")
    git(bare, "tag", "-m", "a tag", "v1", "main")
    return bare


def refs(repository: Path) -> str:
    return git(repository, "for-each-ref")


def test_every_ref_and_object_is_in_the_copy(bare: Path, tmp_path: Path) -> None:
    copy.copy_repository(bare, tmp_path / "copy.git")
    assert refs(tmp_path / "copy.git") == refs(bare)
    assert git(tmp_path / "copy.git", "symbolic-ref", "HEAD") == "refs/heads/main"
    everything = git(bare, "cat-file", "--batch-all-objects", "--batch-check", "--unordered")
    copied = git(tmp_path / "copy.git", "cat-file", "--batch-all-objects", "--batch-check")
    assert sorted(copied.splitlines()) == sorted(everything.splitlines())
    git(tmp_path / "copy.git", "fsck", "--strict")


def test_the_copy_takes_pushes(bare: Path, checkout: Path, tmp_path: Path) -> None:
    copy.copy_repository(bare, tmp_path / "copy.git")
    sha = commit_files(checkout, {"more": "x\n"}, "more")
    git(checkout, "push", "-q", str(tmp_path / "copy.git"), "main")
    assert git(tmp_path / "copy.git", "rev-parse", "main") == sha


def test_unreachable_objects_are_copied_as_well(bare: Path, tmp_path: Path) -> None:
    """A branch may be forced between the database's copy and ours: what it named must be there."""
    lost = git(bare, "commit-tree", "main^{tree}", "-m", "nobody names it")
    copy.copy_repository(bare, tmp_path / "copy.git")
    assert copy.missing(tmp_path / "copy.git", {lost, SHA}) == {SHA}


def test_what_is_just_arriving_is_left_out(bare: Path, tmp_path: Path) -> None:
    quarantine = bare / "objects" / "tmp_objdir-incoming-abc" / "pack"
    quarantine.mkdir(parents=True)
    (quarantine / "pack-1.pack").write_bytes(b"half")
    pack = bare / "objects" / "pack"
    (pack / "tmp_pack_x").write_bytes(b"half")
    (pack / f"pack-{SHA}.pack").write_bytes(b"its index is not there yet")
    (pack / f"pack-{SHA}.keep").write_bytes(b"")
    (bare / "refs" / "heads" / "main.lock").touch()
    copy.copy_repository(bare, tmp_path / "copy.git")
    names = {path.name for path in (tmp_path / "copy.git").rglob("*")}
    assert not [n for n in names if n.endswith((".lock", ".keep")) or "tmp_" in n or SHA in n]


def test_a_repository_in_full_use_is_copied(bare: Path, tmp_path: Path) -> None:
    """Refs that come and go, and pushes, while it is read."""
    ends = threading.Event()

    def use() -> None:
        number = 0
        while not ends.is_set():
            number += 1
            sha = git(bare, "commit-tree", "main^{tree}", "-p", "main", "-m", str(number))
            git(bare, "update-ref", "refs/heads/busy", sha)
            git(bare, "update-ref", f"refs/lazyaf/jobs/{number}/1/head", sha)
            git(bare, "update-ref", "-d", f"refs/lazyaf/jobs/{number - 5}/1/head")

    using = threading.Thread(target=use)
    using.start()
    try:
        for number in range(10):
            target = tmp_path / f"copy{number}.git"
            copy.copy_repository(bare, target)
            git(target, "fsck", "--strict", "--no-dangling")
            assert git(target, "rev-parse", "main") == git(bare, "rev-parse", "main")
    finally:
        ends.set()
        using.join()


def test_a_missing_object_is_told(bare: Path, tmp_path: Path) -> None:
    loose = git(bare, "rev-parse", "refs/lazyaf/jobs/a/1/head")
    (bare / "objects" / loose[:2] / loose[2:]).unlink()
    with pytest.raises(GitFailed, match="could not be copied whole in 3 tries"):
        copy.copy_repository(bare, tmp_path / "copy.git")


def test_a_broken_ref_is_not_passed_over(bare: Path, tmp_path: Path) -> None:
    (bare / "refs" / "heads" / "broken").write_text("nonsense\n")
    with pytest.raises(GitFailed, match="broken"):
        copy.copy_repository(bare, tmp_path / "copy.git")


def test_without_a_source_there_is_no_copy(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        copy.copy_repository(tmp_path / "gone.git", tmp_path / "copy.git")
    assert copy.missing(tmp_path / "gone.git", {SHA}) == {SHA}


def test_an_empty_repository_is_copied(tmp_path: Path) -> None:
    tmp_path.joinpath("empty.git").mkdir()
    git(tmp_path, "init", "-q", "--bare", "-b", "trunk", "empty.git")
    shutil.rmtree(tmp_path / "empty.git" / "hooks")
    copy.copy_repository(tmp_path / "empty.git", tmp_path / "copy.git")
    assert git(tmp_path / "copy.git", "symbolic-ref", "HEAD") == "refs/heads/trunk"
    assert refs(tmp_path / "copy.git") == ""
