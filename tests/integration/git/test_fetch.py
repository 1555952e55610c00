"""Fetching from a remote: what is taken over, and what the guards keep out."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
import pytest_asyncio

from lazyaf.domain.errors import Conflict, Unavailable
from lazyaf.domain.remotes import Login, Remote
from lazyaf.git import command, fetch, remotes

COPY = "01900000-0000-7000-8000-000000000002"
PASSWORD = "a secret that nobody sees"


@pytest_asyncio.fixture
async def copy(storage) -> str:
    """An empty repository to fetch into."""
    await storage.create(COPY, "main")
    return COPY


class Peer:
    """A server that keeps what it is sent, and answers with one text or not at all."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.heard: list[bytes] = []
        self.answer = b""
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heard.append(await reader.readuntil(b"\r\n\r\n"))
        self.asked.set()
        if self.answer:
            writer.write(self.answer)
        else:
            await reader.read()
        writer.close()


@pytest_asyncio.fixture
async def peers() -> AsyncIterator[tuple[Peer, Peer]]:
    made = (Peer(), Peer())
    servers = [await asyncio.start_server(peer.serve, "127.0.0.1", 0) for peer in made]
    for peer, server in zip(made, servers, strict=True):
        peer.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/x.git"
    yield made
    for server in servers:
        server.close()


def signed_in(url: str) -> Remote:
    return Remote(url, Login(url.rpartition("/")[0], "ann", PASSWORD))


def stored(storage) -> list[Path]:
    return [p for p in (storage.path(COPY) / "objects").rglob("*") if p.is_file()]


async def test_everything_comes_in_one_pack_and_no_ref_moves(storage, copy, work, served) -> None:
    tip = await work.commit({"a": "1"})
    await work.git("tag", "-a", "-m", "one", "v1")
    await work.git("push", "-q", "store", "main", "main:topic/x", "v1")
    remote = Remote(served.url)
    assert await remotes.ask_head(storage, remote) == "main"
    found = await fetch.fetch(storage, copy, remote)
    assert found == fetch.Fetched(
        "main", {"main": tip, "topic/x": tip}, {"v1": await work.head("v1")}
    )
    suffixes = sorted(p.suffix for p in stored(storage) if p.suffix != ".rev")  # newer git's
    assert suffixes == [".idx", ".pack"]
    assert (await storage.git(copy, ["for-each-ref"])).text == ""
    assert (await storage.git(copy, ["cat-file", "-t", tip])).text == "commit"
    assert list((storage.root / ".tmp").iterdir()) == []


async def test_a_later_fetch_brings_only_what_is_new(storage, copy, work, served) -> None:
    await work.commit({"big": b"\0\1\2" * 100_000, "a": "1"})
    await work.git("push", "-q", "store", "main")
    found = await fetch.fetch(storage, copy, Remote(served.url))
    await storage.git(copy, ["update-ref", "refs/heads/main", found.branches["main"]])
    before = {p: p.stat().st_size for p in stored(storage)}
    await work.commit({"a": "2"})
    await work.git("push", "-q", "store", "main")
    again = await fetch.fetch(storage, copy, Remote(served.url))
    new = [p for p in stored(storage) if p not in before and p.suffix == ".pack"]
    assert [p.stat().st_size < 2_000 for p in new] == [True]
    listed = await storage.git(copy, ["ls-tree", "-r", "--name-only", again.branches["main"]])
    assert listed.text.split() == ["a", "big"]


async def test_an_empty_remote_has_nothing(storage, copy, served) -> None:
    assert await remotes.ask_head(storage, Remote(served.url)) is None
    assert await fetch.fetch(storage, copy, Remote(served.url)) == fetch.Fetched(None, {}, {})


async def test_dangerous_trees_are_refused_and_old_mistakes_are_not(
    storage, repo_id, copy, work, served
) -> None:
    await work.commit({"a": "1"})
    await work.git("push", "-q", "store", "main")
    blob = await work.head("HEAD:a")

    async def write(kind: str, raw: bytes) -> str:
        words = ["hash-object", "-w", "-t", kind, "--stdin", "--literally"]
        return (await storage.git(repo_id, words, stdin=raw)).text

    tree = await work.head("HEAD^{tree}")
    old = b"tree %s\nauthor A <a@x> 1 +051800\ncommitter A <a@x> 1 +051800\n\nold" % tree.encode()
    await storage.git(repo_id, ["update-ref", "refs/heads/old", await write("commit", old)])
    assert "old" in (await fetch.fetch(storage, copy, Remote(served.url))).branches

    before = stored(storage)
    evil = await write("tree", b"100644 .git\0" + bytes.fromhex(blob))
    bad = b"tree %s\nauthor A <a@x> 1 +0000\ncommitter A <a@x> 1 +0000\n\nx" % evil.encode()
    await storage.git(repo_id, ["update-ref", "refs/heads/evil", await write("commit", bad)])
    with pytest.raises(Conflict, match=r"(?i)\.git") as refused:
        await fetch.fetch(storage, copy, Remote(served.url))
    assert refused.value.code == "remote_unreachable"
    assert stored(storage) == before


@pytest.mark.parametrize("url", ["file://{path}", "{path}", "ext::sh -c 'touch {path}/ran'"])
async def test_git_itself_is_told_to_speak_http_alone(
    storage, repo_id, copy, work, tmp_path: Path, url: str
) -> None:
    await work.commit({"a": "1"})
    await work.git("push", "-q", "store", "main")
    remote = Remote(url.format(path=storage.path(repo_id)))
    for asking in (remotes.ask_head(storage, remote), fetch.fetch(storage, copy, remote)):
        with pytest.raises(Conflict, match="not allowed"):
            await asking
    assert not (storage.path(repo_id) / "ran").exists()


async def test_a_password_follows_no_redirect(storage, copy, peers) -> None:
    near, far = peers
    where = f"{far.url}/info/refs?service=git-upload-pack".encode()
    near.answer = b"HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % where
    far.answer = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
    with pytest.raises(Conflict):
        await fetch.fetch(storage, copy, signed_in(near.url))
    assert b"Authorization: Basic" in near.heard[0]
    assert far.heard == []
    with pytest.raises(Conflict):
        await fetch.fetch(storage, copy, Remote(near.url))
    assert len(far.heard) == 1  # without one git follows, as it does by itself


def arguments_with(word: str) -> list[bytes]:
    """The command lines on this machine that hold the word."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has just ended
            line = (process / "cmdline").read_bytes()
            found += [line] if word.encode() in line else []
    return found


async def test_no_argument_of_a_process_has_the_password(storage, copy, peers) -> None:
    near, _ = peers
    task = asyncio.create_task(fetch.fetch(storage, copy, signed_in(near.url)))
    await near.asked.wait()
    arguments = arguments_with(near.url)
    assert len(arguments) >= 2  # git, and its helper for HTTP
    token = base64.b64encode(f"ann:{PASSWORD}".encode())
    assert not any(token in line or PASSWORD.encode() in line for line in arguments)
    await storage.close()
    with pytest.raises(Unavailable):
        await task
    assert list((storage.root / ".tmp").iterdir()) == []


async def test_nobody_is_asked_and_nothing_of_the_machine_is_used(
    storage, copy, peers, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    near, _ = peers
    near.answer = b"HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n"
    helper = tmp_path / "helper"
    helper.write_text(f"#!/bin/sh\ntouch {tmp_path}/asked\necho password=stolen\n")
    helper.chmod(0o700)
    for name in ("GIT_ASKPASS", "SSH_ASKPASS"):
        monkeypatch.setenv(name, str(helper))
    (tmp_path / ".gitconfig").write_text(f"[credential]\nhelper = {helper}\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(Conflict) as refused:
        await remotes.ask_head(storage, Remote(near.url))
    assert refused.value.code == "credentials_wanted"
    assert not (tmp_path / "asked").exists()
    assert command.child_env()["GIT_TERMINAL_PROMPT"] == "0"
