"""Old histories come in from people; what attacks a checkout comes in from nobody."""

from __future__ import annotations

import re

import pytest

from conformance.client import Clone, Repository

COMMIT = b"tree %s\nauthor A <a@b> 1100000000 +0000\ncommitter A <a@b> 1100000000 +0000\n\nold\n"
AUTHOR = b"author A <a@b> 1100000000 +0000"

COMMITS = {
    "badTimezone": b"author A <a@b> 1100000000 +51800",
    "missingEmail": b"author A 1100000000 +0000",
    "missingSpaceBeforeEmail": b"author A<a@b> 1100000000 +0000",
    "missingNameBeforeEmail": b"author <a@b> 1100000000 +0000",
    "badName": b"author A> <a@b> 1100000000 +0000",
    "badEmail": b"author A <a@b<> 1100000000 +0000",
    "missingSpaceBeforeDate": b"author A <a@b>1100000000 +0000",
    "badDate": b"author A <a@b> yesterday +0000",
    "badDateOverflow": b"author A <a@b> 18446744073709551617 +0000",
    "zeroPaddedDate": b"author A <a@b> 01100000000 +0000",
    "multipleAuthors": AUTHOR + b"\n" + AUTHOR,
    "nulInCommit": None,
}


def entry(mode: bytes, name: bytes, sha: str) -> bytes:
    return mode + b" " + name + b"\0" + bytes.fromhex(sha)


def commit_of(work: Clone, tree: str) -> str:
    return work.write("commit", COMMIT % tree.encode())


def push(work: Clone, commit: str, ok: int = 0) -> str:
    done = work("push", "origin", f"{commit}:refs/heads/old", ok=(ok,))
    return re.sub(r"\s+", " ", done.stderr)


@pytest.mark.parametrize("complaint", COMMITS)
def test_a_legacy_commit_is_ingested(repo: Repository, work: Clone, complaint: str) -> None:
    raw = COMMIT % work.tip("HEAD^{tree}").encode()
    line = COMMITS[complaint]
    raw = raw.replace(AUTHOR, line) if line else raw.replace(b"old", b"o\0ld")
    commit = work.write("commit", raw)
    assert f"{complaint}:" in push(work, commit)  # a warning that its owner sees
    assert repo.refs()["refs/heads/old"] == commit
    assert work.clone(repo.url, "--bare", into="clone").tip("old") == commit


def test_a_long_legacy_history_is_ingested_with_all_its_warnings(
    repo: Repository, work: Clone
) -> None:
    """git complains while it still reads: who does not listen meanwhile waits for ever."""
    stream = b"".join(
        b"commit refs/heads/old\nauthor A <a@b> %d +51800\ncommitter A <a@b> %d +0000\n"
        b"data 500\n%s\n" % (n, n, b"x" * 500)
        for n in range(1_100_000_000, 1_100_006_000)
    )
    work("config", "core.compression", "0")  # so that the pack is longer than any pipe
    work("fast-import", "--quiet", "--date-format=raw-permissive", stdin=stream)
    assert push(work, "refs/heads/old").count("badTimezone") == 6_000
    assert repo.refs()["refs/heads/old"] == work.tip("old")


@pytest.mark.parametrize(
    "complaint", ["zeroPaddedFilemode", "treeNotSorted", "duplicateEntries", "badFilemode"]
)
def test_a_legacy_tree_is_ingested(repo: Repository, work: Clone, complaint: str) -> None:
    blob, tree = work.tip("HEAD:a.txt"), work.tip("HEAD^{tree}")
    raw = {
        "zeroPaddedFilemode": entry(b"040000", b"dir", tree),
        "treeNotSorted": entry(b"100644", b"b", blob) + entry(b"100644", b"a", blob),
        "duplicateEntries": entry(b"100644", b"a", blob) * 2,
        "badFilemode": entry(b"100664", b"a", blob),
    }[complaint]
    commit = commit_of(work, work.write("tree", raw))
    push(work, commit)
    assert repo.refs()["refs/heads/old"] == commit


@pytest.mark.parametrize("line", [b"tag v0\n", b"tag bad..name\n"], ids=["no tagger", "bad name"])
def test_a_legacy_tag_is_ingested(repo: Repository, work: Clone, line: bytes) -> None:
    tag = work.write("tag", b"object %s\ntype commit\n%s\nold\n" % (work.tip().encode(), line))
    work("push", "-q", "origin", f"{tag}:refs/tags/v0")
    assert repo.refs()["refs/tags/v0"] == tag


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        (b".git", "hasDotgit"),
        (b".GIT", "hasDotgit"),
        (b"git~1", "hasDotgit"),
        (b".g\xe2\x80\x8cit", "hasDotgit"),
        (b".git ", "hasDotgit"),
        (b".", "hasDot"),
        (b"..", "hasDotdot"),
        (b"a/b", "fullPathname"),
        (b"", "(emptyName|empty filename in tree entry)"),
    ],
)
def test_a_tree_that_attacks_a_checkout_is_refused(
    repo: Repository, work: Clone, name: bytes, complaint: str
) -> None:
    blob = work.tip("HEAD:a.txt")
    said = push(work, commit_of(work, work.write("tree", entry(b"100644", name, blob))), ok=1)
    assert re.search(complaint, said)
    assert repo.refs() == {}


def test_a_tree_with_a_null_sha_is_refused(repo: Repository, work: Clone) -> None:
    tree = work.write("tree", entry(b"160000", b"module", "0" * 40))
    assert "nullSha1" in push(work, commit_of(work, tree), ok=1)
    assert repo.refs() == {}


GITMODULES = {
    "gitmodulesName": b'[submodule "../../x"]\n\tpath = x\n\turl = https://example.org/x\n',
    "gitmodulesUrl": b'[submodule "x"]\n\tpath = x\n\turl = -u./payload\n',
    "gitmodulesPath": b'[submodule "x"]\n\tpath = -x\n\turl = https://example.org/x\n',
    "gitmodulesUpdate": b'[submodule "x"]\n\tpath = x\n\turl = https://example.org/x\n\tupdate = !sh\n',
}


@pytest.mark.parametrize("complaint", GITMODULES)
def test_gitmodules_that_attack_are_refused(repo: Repository, work: Clone, complaint: str) -> None:
    blob = work.write("blob", GITMODULES[complaint])
    tree = work.write("tree", entry(b"100644", b".gitmodules", blob))
    assert complaint in push(work, commit_of(work, tree), ok=1)
    assert repo.refs() == {}


@pytest.mark.parametrize("name", [b".gitmodules", b".GITMODULES", b"gitmod~1"])
def test_gitmodules_that_are_a_symlink_are_refused(
    repo: Repository, work: Clone, name: bytes
) -> None:
    blob = work.write("blob", b"elsewhere")
    tree = work.write("tree", entry(b"120000", name, blob))
    assert "gitmodulesSymlink" in push(work, commit_of(work, tree), ok=1)
    assert repo.refs() == {}


def test_good_gitmodules_are_taken(repo: Repository, work: Clone) -> None:
    blob = work.write("blob", b'[submodule "x"]\n\tpath = x\n\turl = https://example.org/x\n')
    commit = commit_of(work, work.write("tree", entry(b"100644", b".gitmodules", blob)))
    push(work, commit)
    assert repo.refs()["refs/heads/old"] == commit


@pytest.mark.parametrize("raw", [b"", b"nonsense\n", b"tree x\n\nmessage\n"])
def test_what_is_no_commit_at_all_is_refused(repo: Repository, work: Clone, raw: bytes) -> None:
    commit = work.write("commit", raw)
    pack = work("pack-objects", "--stdout", "-q", stdin=f"{commit}\n".encode(), ok=(0, 128)).stdout
    report = repo.push_by_hand([("0" * 40, commit, "refs/heads/old")], pack)
    assert report.refs["refs/heads/old"] is not None
    assert repo.refs() == {}
