"""Cloning: what arrives is what is there."""

from __future__ import annotations

import pytest

from conformance.client import Clone, Repository
from conformance.conftest import COMMITS, NewRepository


def test_clone_an_empty_repository(repo: Repository, reader: Clone, protocol: str) -> None:
    done = reader("-c", f"protocol.version={protocol}", "clone", repo.url, "../empty")
    assert "You appear to have cloned an empty repository" in done.stderr


def test_clone_an_empty_repository_learns_its_default_branch(
    new_repository: NewRepository, reader: Clone
) -> None:
    empty = reader.clone(new_repository(default_branch="trunk").url, into="empty")
    assert empty("symbolic-ref", "HEAD").text == "refs/heads/trunk"


def test_clone_brings_everything(
    library: Repository, source: Clone, reader: Clone, protocol: str
) -> None:
    clone = reader.clone(library.url, "-c", f"protocol.version={protocol}", into="clone")
    clone("fsck", "--strict")
    assert clone.tip() == source.tip("main")
    assert clone("rev-list", "--count", "HEAD").text == str(COMMITS)
    assert (clone.folder / "docs/page3.md").read_text() == "3\n" * 50


@pytest.mark.parametrize("version", ["0", "1", "2"])
def test_the_protocol_that_the_client_asks_for_is_spoken(
    library: Repository, reader: Clone, version: str
) -> None:
    traced = reader(
        "-c", f"protocol.version={version}", "ls-remote", library.url, GIT_TRACE_PACKET="1"
    ).stderr
    assert ("< version 2" in traced) is (version == "2")
    assert ("< version 1" in traced) is (version == "1")
    assert ("< # service=git-upload-pack" in traced) is (version != "2")


def test_clone_a_mirror(library: Repository, source: Clone, reader: Clone) -> None:
    mirror = reader.clone(library.url, "--mirror", into="mirror.git")
    listed = mirror("for-each-ref", "--format=%(refname) %(objectname)").text
    assert listed == source("for-each-ref", "--format=%(refname) %(objectname)").text


def test_clone_bare(library: Repository, source: Clone, reader: Clone) -> None:
    bare = reader.clone(library.url, "--bare", into="bare.git")
    assert bare.tip("topic/one") == source.tip("topic/one")


def test_clone_a_single_branch(library: Repository, source: Clone, reader: Clone) -> None:
    clone = reader.clone(library.url, "--single-branch", "--branch=old", into="clone")
    assert clone.tip() == source.tip("old")
    branches = clone("for-each-ref", "--format=%(refname)", "refs/remotes").text
    assert branches.split() == ["refs/remotes/origin/old"]
    assert clone("tag").text == "light"  # only tags of what came along


def test_clone_without_tags(library: Repository, reader: Clone) -> None:
    assert reader.clone(library.url, "--no-tags", into="clone")("tag").text == ""


def test_clone_at_a_tag(library: Repository, source: Clone, reader: Clone) -> None:
    clone = reader.clone(library.url, "--branch=v1", into="clone")
    assert clone.tip() == source.tip("v1^{commit}")


def test_clone_a_branch_that_is_not_there(library: Repository, reader: Clone) -> None:
    said = reader.refused("clone", "--branch=nope", library.url, "../clone", code=128)
    assert "Remote branch nope not found in upstream origin" in said


def test_symbolic_head_names_the_default_branch(library: Repository, reader: Clone) -> None:
    listed = reader("ls-remote", "--symref", library.url, "HEAD").text
    assert listed.startswith("ref: refs/heads/main\tHEAD")
    answer = library.server.client.get(f"/git/{library.id}.git/HEAD")
    assert answer.text == "ref: refs/heads/main\n"


def test_symbolic_head_follows_a_change_of_the_default_branch(
    repo: Repository, work: Clone, reader: Clone
) -> None:
    work("push", "-q", "origin", "main", "main:trunk")
    changed = repo.server.client.patch(f"/api/repos/{repo.id}", json={"default_branch": "trunk"})
    assert changed.status_code == 200, changed.text
    assert reader.clone(repo.url, into="clone")("branch", "--show-current").text == "trunk"


def test_clone_while_the_default_branch_is_not_there_yet(
    repo: Repository, work: Clone, reader: Clone
) -> None:
    work("push", "-q", "origin", "main:topic")
    done = reader("clone", repo.url, "../clone")
    assert "remote HEAD refers to nonexistent ref, unable to checkout" in done.stderr
    clone = Clone(reader.folder.parent / "clone")
    assert clone.tip("origin/topic") == work.tip()


def test_clone_a_repository_with_a_submodule_link(
    repo: Repository, work: Clone, reader: Clone
) -> None:
    work("update-index", "--add", "--cacheinfo", f"160000,{work.tip()},vendor/lib")
    work("commit", "-q", "-m", "link")
    work("push", "-q", "origin", "main")
    listed = reader.clone(repo.url, into="clone")("ls-tree", "HEAD", "vendor/lib").text
    assert listed.startswith("160000 commit")


def test_an_archive_is_not_served_and_git_says_so(library: Repository, reader: Clone) -> None:
    said = reader.refused("archive", f"--remote={library.url}", "HEAD", code=128)
    assert "fatal" in said
