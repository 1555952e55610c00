"""Fetching: only what is missing comes, and it comes whatever the client has."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from conformance.client import Clone, Repository


@pytest.fixture
def clone(repo: Repository, work: Clone) -> Clone:
    """A second person's clone of what `work` has pushed."""
    work("push", "-q", "origin", "main")
    return work.clone(repo.url, into="clone")


def test_fetch_incremental(work: Clone, clone: Clone, protocol: str) -> None:
    tip = work.commit({"b.txt": "two\n"})
    work("push", "-q", "origin", "main")
    done = clone("-c", f"protocol.version={protocol}", "fetch", "--progress")
    assert clone.tip("origin/main") == tip
    assert "Total 3 " in done.stderr or "remote: Counting objects: 100% (3/3)" in done.stderr


def test_fetch_no_op(clone: Clone, protocol: str) -> None:
    traced = clone("-c", f"protocol.version={protocol}", "fetch", GIT_TRACE_PACKET="1").stderr
    assert "want " not in traced


def test_fetch_with_many_haves(work: Clone, clone: Clone, protocol: str) -> None:
    stream = b"".join(
        b"commit refs/heads/mine\ncommitter A <a@b> %d +0000\ndata 4\nmine\n%s\n"
        % (2_000_000_000 + n, b"from refs/heads/main\n" if n == 0 else b"")
        for n in range(600)
    )
    clone("fast-import", "--quiet", stdin=stream)
    tip = work.commit({"b.txt": "two\n"})
    work("push", "-q", "origin", "main")
    traced = clone(
        "-c", f"protocol.version={protocol}", "fetch", "origin", "main",
        GIT_TRACE_CURL="1", GIT_TRACE_CURL_NO_DATA="1", GIT_TRACE_PACKET="1",
    ).stderr  # fmt: skip
    assert clone.tip("FETCH_HEAD") == tip
    assert traced.count("> have ") > 200
    assert "Content-Encoding: gzip" in traced


@pytest.mark.parametrize("revision", ["main", "main~7", "light^{tree}", "main:docs/page1.md"])
def test_fetch_by_sha(library: Repository, source: Clone, reader: Clone, revision: str) -> None:
    sha = source.tip(revision)
    reader("fetch", "-q", library.url, sha)
    assert reader("cat-file", "-t", sha).text in {"commit", "tree", "blob"}


def test_fetch_by_sha_of_what_is_not_there(library: Repository, reader: Clone) -> None:
    said = reader.refused("fetch", library.url, "1" * 40, code=128)
    assert "upload-pack: not our ref 1111111111111111111111111111111111111111" in said


def test_fetch_by_sha_without_a_ref_needs_v2_as_with_git(
    library: Repository, source: Clone, reader: Clone
) -> None:
    sha = source.tip("main~7")
    said = reader.refused("-c", "protocol.version=0", "fetch", library.url, sha, code=128)
    assert "Server does not allow request for unadvertised object" in said


def test_fetch_prunes_what_was_deleted(work: Clone, clone: Clone) -> None:
    work("push", "-q", "origin", "main:gone", "main:stays")
    clone("fetch", "-q")
    work("push", "-q", "origin", ":gone")
    clone("fetch", "-q", "--prune")
    listed = clone("branch", "-r", "--format=%(refname:short)").text.split()
    assert "origin/gone" not in listed
    assert "origin/stays" in listed


def test_fetch_a_rewritten_branch(work: Clone, clone: Clone) -> None:
    work("commit", "-q", "--amend", "-m", "rewritten")
    work("push", "-q", "--force", "origin", "main")
    assert "(forced update)" in clone("fetch").stderr
    assert clone.tip("origin/main") == work.tip()


def test_fetch_a_ref_that_is_not_there(clone: Clone) -> None:
    said = clone.refused("fetch", "origin", "nope", code=128)
    assert "couldn't find remote ref nope" in said


def test_fetch_brings_the_tags_of_what_it_brings(work: Clone, clone: Clone) -> None:
    work.commit({"b.txt": "two\n"})
    work("tag", "-a", "-m", "Two", "v2")
    work("tag", "elsewhere", work.write("blob", b"nowhere"))
    work("push", "-q", "origin", "main", "v2", "elsewhere")
    clone("fetch", "-q")
    assert clone("tag").text == "v2"
    clone("fetch", "-q", "--tags")
    assert clone("tag").text.split() == ["elsewhere", "v2"]


def test_fetch_one_of_many_patterns(library: Repository, reader: Clone, protocol: str) -> None:
    listed = reader("-c", f"protocol.version={protocol}", "ls-remote", library.url, "topic/*")
    assert [line.split("\t")[1] for line in listed.text.splitlines()] == ["refs/heads/topic/one"]


def test_fetch_all_at_once_by_many(library: Repository, source: Clone, reader: Clone) -> None:
    def clone(number: int) -> str:
        return reader.clone(library.url, into=f"clone{number}").tip()

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(clone, range(8))) == {source.tip("main")}


def test_fetch_into_an_unrelated_repository(library: Repository, reader: Clone) -> None:
    reader.commit({"own.txt": "own\n"})
    reader("fetch", "-q", library.url, "main")
    assert reader("merge-base", "HEAD", "FETCH_HEAD", ok=(1,)).text == ""
    reader("fsck", "--strict")


def test_what_is_lazyafs_own_is_hidden_from_people(repo: Repository, work: Clone) -> None:
    work("push", "-q", "origin", "main")
    repo.git("update-ref", "refs/lazyaf/jobs/j/1/head", "main")
    repo.git("update-ref", "refs/notes/commits", "main")
    listed = work("ls-remote", "origin").text
    assert [line.split("\t")[1] for line in listed.splitlines()] == ["HEAD", "refs/heads/main"]
    said = work.refused("fetch", "origin", "refs/lazyaf/jobs/j/1/head", code=128)
    assert "couldn't find remote ref" in said
