"""Names of refs: many, odd, in every script; and tags of every kind."""

from __future__ import annotations

import pytest

from conformance.client import RECEIVE, Clone, Repository
from conformance.conftest import NewRepository
from lazyaf.git.pktline import FLUSH, ZERO, encode

MANY = 5_000

ODD = [
    "a.b.c",
    "semi;colon",
    "quo'te\"s",
    "$(touch)`y`",
    "per%20cent%2F",
    "plus+and&and=",
    "hash#bang!",
    "at@sign",
    "bra(ck)et{s}",
    "com,ma|pipe<>",
    "-dash",
    "refs/heads/main",
    "HEAD",
    "very/" * 20 + "deep",
    "l" * 200,
    "ünïcödé",
    "e\u0301",  # not composed: another name than é
    "日本語/ブランチ",
    "עברית",
    "العربية",
    "हिन्दी",
    "می\u200cخواهم",  # noqa: RUF001 - a joiner that Persian is written with
    "👩\u200d💻/🚀",
    "\U0001fae8",  # newer than the Unicode tables of Python 3.11
    "nbsp\u00a0here",
]


@pytest.mark.parametrize("name", ODD)
def test_an_odd_name_is_pushed_listed_and_fetched(repo: Repository, work: Clone, name: str) -> None:
    ref = f"refs/heads/{name}"
    work("push", "-q", "origin", f"main:{ref}")
    assert work("ls-remote", "origin", ref).text == f"{work.tip()}\t{ref}"
    work("fetch", "-q", "origin", f"+{ref}:refs/copy")
    assert work.tip("refs/copy") == work.tip()
    listed = repo.server.client.get(f"/api/repos/{repo.id}/branches")
    assert name in [branch["name"] for branch in listed.json()["items"]]


@pytest.mark.parametrize(
    "name",
    [b"zero\xe2\x80\x8bwidth", b"turned\xe2\x80\xaearound", b"latin1-\xe9", b"line\xe2\x80\xa8end",
     b"next\xc2\x85line", b"mark\xef\xbb\xbf"],
)  # fmt: skip
def test_a_name_that_hides_something_is_refused_with_a_sentence(
    repo: Repository, work: Clone, name: bytes
) -> None:
    text = name.decode(errors="surrogateescape")
    said = work.refused("push", "origin", f"main:refs/heads/{text}")
    assert "the name of a ref must be readable UTF-8" in said
    assert repo.refs() == {}


@pytest.mark.parametrize(
    "ref",
    ["refs/heads/..", "refs/heads/a.lock", "refs/heads/a b", "refs/heads/a/../../../x",
     "refs/heads/.a", "refs/heads/a//b", "refs/heads/a/", "refs/heads/a~1", "refs/heads/a:b",
     "refs/heads/a*", "refs/heads/a\\b", "refs/heads/a@{1}", "refs/heads/"],
)  # fmt: skip
def test_a_name_that_git_forbids_is_refused(repo: Repository, work: Clone, ref: str) -> None:
    report = repo.push_by_hand([(ZERO, work.tip(), ref)], work.pack("main"))
    assert report.refs.get(ref, "absent") is not None
    assert repo.refs() == {}


def test_a_name_with_a_nul_ends_there(repo: Repository, work: Clone) -> None:
    line = f"{ZERO} {work.tip()} refs/heads/a\0 report-status\0/../../x".encode()
    repo.post(RECEIVE, encode(line) + FLUSH + work.pack("main"))
    assert set(repo.refs()) <= {"refs/heads/a"}


def test_a_name_below_another_is_refused(repo: Repository, work: Clone) -> None:
    work("push", "-q", "origin", "main:topic")
    said = work.refused("push", "origin", "main:refs/heads/topic/below")
    assert "[remote rejected] main -> topic/below" in said
    assert set(repo.refs()) == {"refs/heads/topic"}


def test_names_that_differ_in_case_are_two(repo: Repository, work: Clone) -> None:
    work("push", "-q", "origin", "main:Topic", "main:topic")
    assert {"refs/heads/Topic", "refs/heads/topic"} <= set(repo.refs())


def test_5000_refs_are_pushed_listed_and_cloned(
    new_repository: NewRepository, reader: Clone
) -> None:
    repo = new_repository()
    tip = reader.commit({"a.txt": "a\n"})
    names = [f"refs/heads/many/{n:04}" for n in range(MANY)]
    # By hand: git's own client alone would take a quarter of a minute to compare so many names.
    report = repo.push_by_hand([(ZERO, tip, name) for name in names], reader.pack("main"))
    assert report.refs == dict.fromkeys(names)
    for version in ("0", "2"):
        listed = reader("-c", f"protocol.version={version}", "ls-remote", "--heads", repo.url).text
        assert len(listed.splitlines()) == MANY
    one = reader("ls-remote", repo.url, "refs/heads/many/4999").text
    assert one == f"{tip}\trefs/heads/many/4999"
    bare = reader.clone(repo.url, "--mirror", into="mirror.git")
    assert len(bare("for-each-ref").text.splitlines()) == MANY


def tagged(work: Clone, kind: str) -> str:
    """Make a tag of this kind; what it points at, peeled."""
    if kind == "light":
        work("tag", "t")
        return work.tip()
    if kind == "annotated":
        work("tag", "-a", "-m", "Tag ü", "t")
        return work.tip()
    if kind == "nested":
        work("tag", "-a", "-m", "Inner", "inner")
        work("tag", "-a", "-m", "Outer", "t", "inner")
        return work.tip()
    target = work.tip("HEAD^{tree}" if kind == "tree" else "HEAD:a.txt")
    work("tag", "-a", "-m", "Tag", "t", target)
    return target


@pytest.mark.parametrize("kind", ["light", "annotated", "nested", "tree", "blob"])
def test_tags_of_every_kind(repo: Repository, work: Clone, kind: str) -> None:
    peeled = tagged(work, kind)
    work("push", "-q", "origin", "main", "t")
    listed = work("ls-remote", "--tags", "origin").text
    assert (f"{peeled}\trefs/tags/t^{{}}" in listed) is (kind != "light")
    clone = work.clone(repo.url, into="clone")
    assert clone.tip("t^{}") == peeled
    clone("fsck")


def test_a_tag_that_moved_needs_force(repo: Repository, work: Clone) -> None:
    work("tag", "t")
    work("push", "-q", "origin", "main", "t")
    work.commit({"b.txt": "b\n"})
    work("tag", "-f", "t")
    assert "[rejected] t -> t (already exists)" in work.refused("push", "origin", "t")
    work("push", "-q", "--force", "origin", "t")
    assert repo.refs()["refs/tags/t"] == work.tip()


def test_a_branch_must_be_a_commit(repo: Repository, work: Clone) -> None:
    report = repo.push_by_hand(
        [(ZERO, work.tip("HEAD^{tree}"), "refs/heads/tree")], work.pack("main")
    )
    assert report.refs["refs/heads/tree"] is not None
    assert repo.refs() == {}
