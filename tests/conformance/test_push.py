"""Pushing: what is taken, what is refused and in which words, and who wins."""

from __future__ import annotations

import gzip
import os
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha1

import pytest

from conformance.client import CAPABILITIES, RECEIVE, Clone, Repository
from lazyaf.git.pktline import ZERO, encode_push_request, parse_report


@pytest.fixture
def pushed(work: Clone) -> Clone:
    """A repository whose main is pushed."""
    work("push", "-q", "-u", "origin", "main")
    return work


def test_push_a_first_branch(repo: Repository, work: Clone, protocol: str) -> None:
    work("-c", f"protocol.version={protocol}", "push", "-q", "origin", "main")
    assert repo.refs() == {"refs/heads/main": work.tip()}
    repo.git("fsck", "--strict")


def test_push_a_new_branch(repo: Repository, pushed: Clone, protocol: str) -> None:
    pushed.commit({"b.txt": "b\n"})
    said = pushed("-c", f"protocol.version={protocol}", "push", "origin", "main:topic").stderr
    assert "* [new branch]" in said
    assert repo.refs()["refs/heads/topic"] == pushed.tip()


def test_push_what_is_there_already(pushed: Clone) -> None:
    assert "Everything up-to-date" in pushed("push", "origin", "main").stderr


def test_push_a_fast_forward_of_many_commits(repo: Repository, pushed: Clone) -> None:
    for n in range(12):
        pushed.commit({"b.txt": f"{n}\n"})
    pushed("push", "-q")
    assert repo.git("rev-list", "--count", "main") == "13"


def test_push_a_non_fast_forward_is_refused(repo: Repository, pushed: Clone) -> None:
    theirs = pushed.tip()
    pushed("commit", "-q", "--amend", "-m", "rewritten")
    said = pushed.refused("push", "origin", "main")
    assert "[rejected] main -> main (non-fast-forward)" in said
    assert repo.refs()["refs/heads/main"] == theirs


def test_push_over_what_one_has_not_seen_is_refused(repo: Repository, pushed: Clone) -> None:
    other = pushed.clone(repo.url, into="other")
    tip = other.commit({"b.txt": "theirs\n"})
    other("push", "-q")
    pushed.commit({"c.txt": "mine\n"})
    assert "[rejected] main -> main (fetch first)" in pushed.refused("push", "origin", "main")
    assert repo.refs()["refs/heads/main"] == tip


def test_push_by_force(repo: Repository, pushed: Clone) -> None:
    pushed("commit", "-q", "--amend", "-m", "rewritten")
    assert "(forced update)" in pushed("push", "--force", "origin", "main").stderr
    assert repo.refs()["refs/heads/main"] == pushed.tip()


def test_push_by_force_with_lease(repo: Repository, pushed: Clone) -> None:
    pushed("commit", "-q", "--amend", "-m", "rewritten")
    pushed("push", "-q", "--force-with-lease", "origin", "main")
    assert repo.refs()["refs/heads/main"] == pushed.tip()


def test_push_by_force_with_a_lease_that_is_stale(repo: Repository, pushed: Clone) -> None:
    other = pushed.clone(repo.url, into="other")
    theirs = other.commit({"b.txt": "theirs\n"})
    other("push", "-q")
    pushed("commit", "-q", "--amend", "-m", "rewritten")
    said = pushed.refused("push", "--force-with-lease", "origin", "main")
    assert "[rejected] main -> main (stale info)" in said
    assert repo.refs()["refs/heads/main"] == theirs


def test_push_against_an_old_value_that_is_wrong(repo: Repository, pushed: Clone) -> None:
    """What the client believed is compared under the ref's lock, whatever the client is."""
    old = pushed.tip()
    new = pushed.commit({"b.txt": "b\n"})
    report = repo.push_by_hand([("1" * 40, new, "refs/heads/main")], pushed.pack("main"))
    assert report.refs["refs/heads/main"] is not None
    assert repo.refs()["refs/heads/main"] == old


def test_push_deletes_a_branch_and_a_tag(repo: Repository, pushed: Clone) -> None:
    pushed("tag", "v1")
    pushed("push", "-q", "origin", "main:gone", "v1")
    said = pushed("push", "origin", "--delete", "gone", "v1").stderr
    assert said.count("[deleted]") == 2
    assert set(repo.refs()) == {"refs/heads/main"}


def test_push_does_not_delete_the_default_branch(repo: Repository, pushed: Clone) -> None:
    said = pushed.refused("push", "origin", ":main")
    assert "[remote rejected] main (deletion of the current branch prohibited)" in said
    assert "refs/heads/main" in repo.refs()


def test_push_deletes_what_is_not_there(pushed: Clone) -> None:
    assert "remote ref does not exist" in pushed.refused("push", "origin", "--delete", "nope")


def test_push_atomic_moves_all(repo: Repository, pushed: Clone) -> None:
    pushed("push", "-q", "--atomic", "origin", "main:x", "main:y", "main:z")
    assert {"refs/heads/x", "refs/heads/y", "refs/heads/z"} <= set(repo.refs())


def test_push_atomic_moves_none_when_one_is_refused(repo: Repository, pushed: Clone) -> None:
    before = repo.refs()
    tip = pushed.commit({"b.txt": "b\n"})
    commands = [(ZERO, tip, "refs/heads/x"), ("1" * 40, tip, "refs/heads/main")]
    body = encode_push_request(commands, CAPABILITIES) + pushed.pack("main")
    report = parse_report(repo.post(RECEIVE, body).content)
    assert all(report.refs.values())
    assert repo.refs() == before


def test_push_without_atomic_moves_what_it_can(repo: Repository, pushed: Clone) -> None:
    tip = pushed.commit({"b.txt": "b\n"})
    commands = [(ZERO, tip, "refs/heads/x"), ("1" * 40, tip, "refs/heads/main")]
    asked = [c for c in CAPABILITIES if c != "atomic"]
    answer = repo.post(RECEIVE, encode_push_request(commands, asked) + pushed.pack("main"))
    report = parse_report(answer.content)
    assert report.refs["refs/heads/x"] is None
    assert report.refs["refs/heads/main"] is not None
    assert repo.refs()["refs/heads/x"] == tip


def test_push_options_are_taken(repo: Repository, pushed: Clone) -> None:
    pushed("push", "-q", "-o", "ci.skip", "--push-option=topic=ü b", "origin", "main:x")
    assert repo.refs()["refs/heads/x"] == pushed.tip()


def test_push_60_mb_in_chunks(repo: Repository, work: Clone) -> None:
    for key, value in (("core.compression", "0"), ("pack.window", "0"), ("gc.auto", "0")):
        work("config", key, value)
    work.commit({f"blob{n}": os.urandom(6 * 2**20) for n in range(10)})
    traced = work("push", "origin", "main", GIT_TRACE_CURL="1", GIT_TRACE_CURL_NO_DATA="1")
    assert "Transfer-Encoding: chunked" in traced.stderr
    assert repo.refs()["refs/heads/main"] == work.tip()
    repo.git("fsck", "--connectivity-only")


def test_push_in_one_piece_of_known_length(repo: Repository, work: Clone) -> None:
    work.commit({"blob": os.urandom(3 * 2**20)})
    traced = work(
        "-c", "http.postBuffer=8m", "push", "origin", "main",
        GIT_TRACE_CURL="1", GIT_TRACE_CURL_NO_DATA="1",
    )  # fmt: skip
    assert "Transfer-Encoding: chunked" not in traced.stderr
    assert repo.refs()["refs/heads/main"] == work.tip()


def test_push_as_a_gzip_request(repo: Repository, work: Clone) -> None:
    body = encode_push_request([(ZERO, work.tip(), "refs/heads/main")], CAPABILITIES)
    packed = gzip.compress(body + work.pack("main"))
    answer = repo.post(RECEIVE, packed, Content_Encoding="gzip")
    assert parse_report(answer.content).refs == {"refs/heads/main": None}
    assert repo.refs() == {"refs/heads/main": work.tip()}


def test_push_of_every_branch_and_tag(repo: Repository, pushed: Clone) -> None:
    pushed("branch", "one")
    pushed("tag", "v1")
    pushed("push", "-q", "--all")
    pushed("push", "-q", "--tags")
    assert set(repo.refs()) == {"refs/heads/main", "refs/heads/one", "refs/tags/v1"}


def test_push_a_mirror_with_refs_of_other_kinds_says_which(repo: Repository, work: Clone) -> None:
    work("notes", "add", "-m", "note")
    said = work.refused("push", "--mirror", "origin")
    assert "only branches and tags can be pushed, and refs/notes/commits is neither" in said
    assert repo.refs() == {}


def test_push_signed_is_refused_with_a_sentence(repo: Repository, work: Clone) -> None:
    said = work.refused("push", "--signed", "origin", "main")
    assert "the receiving end does not support --signed push" in said
    assert repo.refs() == {}


@pytest.mark.parametrize("ref", ["HEAD", "refs/lazyaf/jobs/x/1/head", "refs/heads", "main"])
def test_push_to_what_is_no_branch_nor_tag(repo: Repository, work: Clone, ref: str) -> None:
    report = repo.push_by_hand([(ZERO, work.tip(), ref)], work.pack("main"))
    assert "only branches and tags can be pushed" in (report.refs[ref] or "")
    assert repo.refs() == {}


def test_push_of_objects_that_do_not_come(repo: Repository, work: Clone) -> None:
    empty = b"PACK" + struct.pack(">II", 2, 0)
    pack = empty + sha1(empty, usedforsecurity=False).digest()
    report = repo.push_by_hand([(ZERO, work.tip(), "refs/heads/main")], pack)
    assert report.refs["refs/heads/main"] == "missing necessary objects"
    assert repo.refs() == {}


def test_push_of_a_commit_without_its_tree(repo: Repository, work: Clone) -> None:
    raw = work("cat-file", "commit", "HEAD").stdout
    size = len(raw)
    head = bytes([0x90 | (size & 15), size >> 4]) if size < 2048 else b""
    pack = b"PACK" + struct.pack(">II", 2, 1) + head + zlib.compress(raw)
    pack += sha1(pack, usedforsecurity=False).digest()
    report = repo.push_by_hand([(ZERO, work.tip(), "refs/heads/main")], pack)
    assert report.refs["refs/heads/main"] is not None
    assert repo.refs() == {}


@pytest.mark.parametrize("where", ["head", "middle", "checksum", "end"])
def test_push_of_a_pack_that_is_damaged(repo: Repository, work: Clone, where: str) -> None:
    pack = bytearray(work.pack("main"))
    if where == "end":
        del pack[-30:]
    else:
        pack[{"head": 0, "middle": len(pack) // 2, "checksum": -1}[where]] ^= 0xFF
    report = repo.push_by_hand([(ZERO, work.tip(), "refs/heads/main")], bytes(pack))
    assert report.unpack != "ok"
    assert report.refs["refs/heads/main"] is not None
    assert repo.refs() == {}
    assert not list((repo.disk / "objects").glob("tmp_objdir-*"))


def test_concurrent_pushes_to_one_ref_have_exactly_one_winner(
    repo: Repository, pushed: Clone
) -> None:
    rivals = {}
    for n in range(8):
        pushed("checkout", "-q", "-B", f"rival{n}", "main")
        rivals[f"rival{n}"] = pushed.commit({"a.txt": f"rival {n}\n"})

    def push(name: str) -> bool:
        return not pushed("push", "-q", "origin", f"{name}:main", ok=(0, 1)).returncode

    with ThreadPoolExecutor(8) as pool:
        won = [name for name, ok in zip(rivals, pool.map(push, rivals), strict=True) if ok]
    assert [rivals[name] for name in won] == [repo.refs()["refs/heads/main"]]


def test_concurrent_pushes_to_many_refs_all_win(repo: Repository, pushed: Clone) -> None:
    tips = {}
    for n in range(8):
        pushed("checkout", "-q", "-B", f"branch{n}", "main")
        tips[f"refs/heads/branch{n}"] = pushed.commit({f"{n}.txt": f"{n}\n"})

    def push(ref: str) -> None:
        pushed("push", "-q", "origin", f"{ref}:{ref}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(push, tips))
    assert tips.items() <= repo.refs().items()
    repo.git("fsck")


def test_concurrent_fetches_and_pushes_do_not_disturb_each_other(
    repo: Repository, pushed: Clone
) -> None:
    def push(number: int) -> None:
        pushed("push", "-q", "origin", f"main:refs/heads/b{number}")

    def clone(number: int) -> str:
        return pushed.clone(repo.url, into=f"clone{number}").tip()

    with ThreadPoolExecutor(8) as pool:
        clones = pool.map(clone, range(4))
        list(pool.map(push, range(4)))
        assert set(clones) == {pushed.tip()}
