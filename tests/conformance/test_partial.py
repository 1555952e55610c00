"""Partial clones: what was left out comes when it is needed."""

from __future__ import annotations

import pytest

from conformance.client import UPLOAD, Clone, Repository
from conformance.conftest import COMMITS
from lazyaf.git.pktline import DELIM, FLUSH, encode


def missing(clone: Clone) -> int:
    listed = clone("rev-list", "--objects", "--all", "--missing=print").text
    return sum(line.startswith("?") for line in listed.splitlines())


@pytest.mark.parametrize("spec", ["blob:none", "blob:limit=60", "tree:0", "object:type=commit"])
def test_partial_clone_leaves_out_what_was_asked(
    library: Repository, reader: Clone, spec: str
) -> None:
    clone = reader.clone(library.url, f"--filter={spec}", "--no-checkout", into="clone")
    assert clone("rev-list", "--count", "HEAD").text == str(COMMITS)
    assert missing(clone) > 0


def test_partial_clone_fetches_lazily(library: Repository, reader: Clone, protocol: str) -> None:
    clone = reader.clone(
        library.url, "--filter=blob:none", "--no-checkout", "-c", f"protocol.version={protocol}",
        into="clone",
    )  # fmt: skip
    before = missing(clone)
    # Without v2 only what a ref names can be asked for, as with git's own server.
    clone("-c", "protocol.version=2", "checkout", "-q", "main")
    assert (clone.folder / "docs/page7.md").read_text() == "7\n" * 50
    assert missing(clone) < before


def test_partial_clone_shows_an_old_file_lazily(library: Repository, reader: Clone) -> None:
    clone = reader.clone(library.url, "--filter=blob:none", into="clone")
    assert clone("show", "main~40:src/part1.txt").text == "1"


def test_partial_clone_and_sparse_checkout(library: Repository, reader: Clone) -> None:
    clone = reader.clone(library.url, "--filter=blob:none", "--sparse", into="clone")
    clone("sparse-checkout", "set", "docs")
    assert (clone.folder / "docs/page1.md").exists()
    assert not (clone.folder / "src").exists()


def test_partial_clone_fetches_and_pushes(repo: Repository, work: Clone) -> None:
    work.commit({"b.txt": "two\n"})
    work("push", "-q", "origin", "main")
    clone = work.clone(repo.url, "--filter=blob:none", into="clone")
    work.commit({"b.txt": "three\n"})
    work("push", "-q", "origin", "main")
    clone("pull", "-q")
    tip = clone.commit({"c.txt": "from a partial clone\n"})
    clone("push", "-q", "origin", "main")
    assert repo.refs()["refs/heads/main"] == tip


def test_partial_and_shallow_at_once(library: Repository, reader: Clone) -> None:
    clone = reader.clone(library.url, "--filter=blob:none", "--depth=2", into="clone")
    assert clone("rev-list", "--count", "HEAD").text == "2"
    clone("fetch", "-q", "--unshallow")
    assert clone("rev-list", "--count", "HEAD").text == str(COMMITS)


@pytest.mark.parametrize("spec", ["nonsense", "sparse:path=x", "tree:-1", "blob:limit=x", ""])
def test_a_filter_that_is_none_is_400(library: Repository, source: Clone, spec: str) -> None:
    body = b"".join(
        [encode(b"command=fetch\n"), DELIM, encode(f"want {source.tip('main')}\n".encode()),
         encode(f"filter {spec}\n".encode()), encode(b"done\n"), FLUSH]
    )  # fmt: skip
    assert library.post(UPLOAD, body, Git_Protocol="version=2").status_code == 400
