"""Shallow clones: cut where it was asked, deepened, made whole, and pushed from."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.client import Clone, Repository, new_clone
from conformance.conftest import COMMITS, NewRepository
from lazyaf.git.pktline import FLUSH, ZERO, encode
from support.history import BEGAN_AT, MINUTE


def commits(clone: Clone, name: str = "HEAD") -> int:
    return int(clone("rev-list", "--count", name).text)


def test_shallow_by_depth(library: Repository, reader: Clone, protocol: str) -> None:
    clone = reader.clone(library.url, "--depth=3", "-c", f"protocol.version={protocol}", into="c")
    assert commits(clone) == 3
    assert clone("rev-parse", "--is-shallow-repository").text == "true"
    clone("fsck")


def test_shallow_at_a_tag(library: Repository, source: Clone, reader: Clone) -> None:
    clone = reader.clone(library.url, "--depth=1", "--branch=v1", into="clone")
    assert (commits(clone), clone.tip()) == (1, source.tip("v1^{commit}"))


def test_shallow_of_every_branch(library: Repository, reader: Clone) -> None:
    clone = reader.clone(library.url, "--depth=1", "--no-single-branch", into="clone")
    assert [commits(clone, f"origin/{name}") for name in ("main", "old", "topic/one")] == [1, 1, 1]


def test_shallow_deepened_to_a_depth(library: Repository, reader: Clone, protocol: str) -> None:
    clone = reader.clone(library.url, "--depth=2", into="clone")
    clone("-c", f"protocol.version={protocol}", "fetch", "-q", "--depth=10")
    assert commits(clone, "origin/main") == 10


def test_shallow_deepened_by_some(library: Repository, reader: Clone, protocol: str) -> None:
    clone = reader.clone(library.url, "--depth=2", into="clone")
    clone("-c", f"protocol.version={protocol}", "fetch", "-q", "--deepen=5")
    assert commits(clone, "origin/main") == 7


def test_shallow_made_shallower(library: Repository, reader: Clone) -> None:
    clone = reader.clone(library.url, into="clone")
    clone("fetch", "-q", "--depth=4")
    assert commits(clone, "origin/main") == 4


def test_shallow_since(library: Repository, reader: Clone, protocol: str) -> None:
    since = BEGAN_AT + (COMMITS - 9) * MINUTE
    clone = reader.clone(
        library.url, f"--shallow-since={since}", "-c", f"protocol.version={protocol}", into="clone"
    )
    assert commits(clone) == 10


def test_shallow_exclude(library: Repository, reader: Clone, protocol: str) -> None:
    clone = reader.clone(
        library.url, "--shallow-exclude=v1", "-c", f"protocol.version={protocol}", into="clone"
    )
    assert commits(clone) == 10


def test_shallow_exclude_of_what_is_not_there(library: Repository, reader: Clone) -> None:
    said = reader.refused("clone", "--shallow-exclude=nope", library.url, "../clone", code=128)
    assert "fatal" in said


def test_unshallow(library: Repository, reader: Clone, protocol: str) -> None:
    clone = reader.clone(library.url, "--depth=2", into="clone")
    clone("-c", f"protocol.version={protocol}", "fetch", "-q", "--unshallow")
    assert commits(clone, "origin/main") == COMMITS
    assert clone("rev-parse", "--is-shallow-repository").text == "false"


@pytest.fixture
def shallow(repo: Repository, work: Clone) -> Clone:
    """A clone of depth 2 of five commits."""
    for n in range(4):
        work.commit({"a.txt": f"{n}\n"})
    work("push", "-q", "origin", "main")
    return work.clone(repo.url, "--depth=2", into="shallow")


def test_fetch_into_a_shallow_clone_stays_shallow(work: Clone, shallow: Clone) -> None:
    work.commit({"b.txt": "more\n"})
    work("push", "-q", "origin", "main")
    shallow("fetch", "-q")
    assert commits(shallow, "origin/main") == 3


def test_push_from_shallow(repo: Repository, shallow: Clone, protocol: str) -> None:
    tip = shallow.commit({"b.txt": "from a shallow clone\n"})
    shallow("-c", f"protocol.version={protocol}", "push", "-q", "origin", "main")
    assert repo.refs()["refs/heads/main"] == tip
    assert not (repo.disk / "shallow").exists()
    assert repo.git("rev-list", "--count", "main") == "6"
    repo.git("fsck", "--strict")


def test_push_from_shallow_of_new_branches_and_a_tag(repo: Repository, shallow: Clone) -> None:
    shallow.commit({"b.txt": "1\n"})
    shallow("tag", "-a", "-m", "One", "one")
    shallow("push", "-q", "--atomic", "origin", "HEAD:refs/heads/x", "HEAD~1:refs/heads/y", "one")
    assert {"refs/heads/x", "refs/heads/y", "refs/tags/one"} <= set(repo.refs())


def test_push_from_shallow_rewritten_at_its_border(repo: Repository, shallow: Clone) -> None:
    """The border's commit names a parent that the clone never had, and the server has."""
    shallow("checkout", "-q", "-b", "side", "HEAD~1")
    tip = shallow.commit({"side.txt": "x\n"})
    shallow("push", "-q", "origin", "side")
    assert repo.refs()["refs/heads/side"] == tip
    assert repo.git("rev-list", "--count", "side") == "5"


def test_push_from_shallow_deletes(repo: Repository, shallow: Clone) -> None:
    shallow("push", "-q", "origin", "HEAD:refs/heads/gone")
    shallow("push", "-q", "origin", ":gone")
    assert "refs/heads/gone" not in repo.refs()


def test_push_from_shallow_without_the_history_is_refused_as_by_git(
    new_repository: NewRepository, shallow: Clone
) -> None:
    other = new_repository()
    said = shallow.refused("push", other.url, "main")
    assert "[remote rejected] main -> main (shallow update not allowed)" in said
    assert other.refs() == {}
    shallow("fetch", "-q", "--unshallow")
    shallow("push", "-q", other.url, "main")
    assert commits(shallow) == 5


def test_push_from_shallow_refused_for_one_ref_only(
    repo: Repository, shallow: Clone, library: Repository
) -> None:
    """A root that the server lacks keeps its own ref out, and no other."""
    shallow("fetch", "-q", "--depth=1", library.url, "main:foreign")
    tip = shallow.commit({"b.txt": "known\n"})
    said = shallow.refused("push", "origin", "main", "foreign")
    assert "foreign -> foreign (shallow update not allowed)" in said
    assert repo.refs() == {"refs/heads/main": tip}


@pytest.mark.parametrize("line", [b"shallow nonsense", b"shallow ", b"shallow " + b"z" * 40])
def test_a_malformed_shallow_line_is_refused(repo: Repository, work: Clone, line: bytes) -> None:
    command = f"{ZERO} {work.tip()} refs/heads/main\0 report-status".encode()
    answer = repo.post(
        "git-receive-pack", encode(line) + encode(command) + FLUSH + work.pack("main")
    )
    assert answer.status_code == 400
    assert repo.refs() == {}


def test_a_clone_of_a_shallow_clone_pushes_too(
    repo: Repository, shallow: Clone, tmp_path: Path
) -> None:
    second = new_clone(tmp_path / "second", repo.url)
    second("fetch", "-q", "--update-shallow", str(shallow.folder), "main:theirs")
    second("checkout", "-q", "-B", "main", "theirs")
    tip = second.commit({"c.txt": "second\n"})
    second("push", "-q", "origin", "main")
    assert repo.refs()["refs/heads/main"] == tip
