"""Pushes that never come to an end: the client leaves, or the server is killed under them."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.client import CAPABILITIES, PATIENCE, RECEIVE, Clone, Repository, new_clone
from conformance.conftest import make
from lazyaf.git.pktline import ZERO, encode_push_request
from support.files import below
from support.server import ServerProcess
from support.waiting import until


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[ServerProcess]:
    """A server that may be killed."""
    with ServerProcess(tmp_path / "own" / "data", None, "--pool", "none") as server:
        yield server


def leftovers(repo: Repository) -> list[str]:
    """What a push that did not end may have left in the repository."""
    found = [
        path
        for path in below(repo.disk)
        if path.name.startswith(("tmp_", "incoming-")) or path.suffix == ".lock"
    ]
    return [str(path.relative_to(repo.disk)) for path in found]


class Upload:
    """A push over a connection of its own, as far as the middle of its pack."""

    def __init__(self, repo: Repository, work: Clone) -> None:
        work("config", "core.compression", "0")
        work.commit({"blob": os.urandom(4 * 2**20)})
        command = [(ZERO, work.tip(), "refs/heads/cut")]
        body = encode_push_request(command, CAPABILITIES) + work.pack("main", "^main~1")
        head = (
            f"POST /git/{repo.id}.git/{RECEIVE} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Authorization: Bearer {repo.server.token}\r\n"
            f"Content-Type: application/x-{RECEIVE}-request\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        self._repo = repo
        self._socket = socket.create_connection(("127.0.0.1", repo.server.port), PATIENCE)
        self._socket.sendall(head.encode() + body[: len(body) // 2])

    def wait_for_quarantine(self) -> None:
        """Until git has begun to take objects in."""
        until(lambda: bool(leftovers(self._repo)), "git took objects in")

    def hang_up(self) -> None:
        """Leave without a word."""
        self._socket.close()


@pytest.fixture
def pushed(repo: Repository, work: Clone) -> Clone:
    """A repository whose main is pushed."""
    work("push", "-q", "origin", "main")
    return work


def test_a_push_cut_off_in_the_middle_leaves_the_repository_intact(
    repo: Repository, pushed: Clone
) -> None:
    before = repo.refs()
    upload = Upload(repo, pushed)
    upload.wait_for_quarantine()
    upload.hang_up()
    until(lambda: not leftovers(repo), "the quarantine is gone")
    assert repo.refs() == before
    repo.git("fsck", "--strict")
    pushed("push", "-q", "origin", "main:cut")
    assert repo.refs()["refs/heads/cut"] == pushed.tip()


def test_a_push_cut_off_by_a_crash_leaves_nothing_after_the_sweep(
    own_server: ServerProcess, tmp_path: Path
) -> None:
    repo = make(own_server)
    work = new_clone(tmp_path / "mine")
    work.commit({"a.txt": "a\n"})
    work("push", "-q", repo.url, "main")
    upload = Upload(repo, work)
    upload.wait_for_quarantine()
    own_server.kill()
    upload.hang_up()
    (repo.disk / "refs/heads/cut.lock").write_bytes(b"")  # a crash may leave those, too
    own_server.start()
    assert leftovers(repo) == []
    assert set(repo.refs()) == {"refs/heads/main"}
    repo.git("fsck", "--strict")
    work("push", "-q", repo.url, "main:cut")
    assert repo.refs()["refs/heads/cut"] == work.tip()


@pytest.mark.parametrize("sent", [0, 3, 40], ids=["nothing", "half a length", "half a command"])
def test_a_push_cut_off_in_its_commands_leaves_nothing(
    repo: Repository, pushed: Clone, sent: int
) -> None:
    body = encode_push_request([(ZERO, pushed.tip(), "refs/heads/cut")], CAPABILITIES)
    head = (
        f"POST /git/{repo.id}.git/{RECEIVE} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: Bearer {repo.server.token}\r\n"
        f"Content-Type: application/x-{RECEIVE}-request\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", repo.server.port), PATIENCE) as connection:
        connection.sendall(head.encode() + body[:sent])
        connection.shutdown(socket.SHUT_WR)
        said = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert b"HTTP/1.1 5" not in said
    assert set(repo.refs()) == {"refs/heads/main"}
    assert leftovers(repo) == []


def test_a_fetch_whose_client_leaves_ends(library: Repository, reader: Clone) -> None:
    head = (
        f"POST /git/{library.id}.git/git-upload-pack HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: Bearer {library.server.token}\r\n"
        "Content-Type: application/x-git-upload-pack-request\r\nContent-Length: 500\r\n\r\n0032want"
    )
    for _ in range(12):  # more than there are slots: each must give its own back
        with socket.create_connection(("127.0.0.1", library.server.port), PATIENCE) as connection:
            connection.sendall(head.encode())
    reader("ls-remote", library.url)
    reader.clone(library.url, into="clone")
