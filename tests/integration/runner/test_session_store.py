"""A session on its way: cut into pieces, kept by real git, packed for the server, brought back."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
import pytest_asyncio

from lazyaf.domain.errors import GitFailed, TooLarge
from lazyaf.git import command
from lazyaf.runner import sessionstore
from lazyaf.runner.redaction import MASK, Redactor
from lazyaf.runner.sessionstore import PIECE, SessionStore, cut

SECRET = "sk-ant-0123456789"
LINE = b"a line\n"


def lines(first: int, last: int) -> bytes:
    """Lines of a thousand bytes, no two alike."""
    return b"".join(b"%0999d\n" % number for number in range(first, last))


SOME_PIECES, MORE = lines(0, 3 * PIECE // 1000), lines(3 * PIECE // 1000, 1200)


def pieces_of(content: bytes, store: SessionStore | None = None) -> list[sessionstore.Piece]:
    return cut(io.BytesIO(content), Redactor([SECRET]), {} if store is None else store.known)


@pytest_asyncio.fixture
async def server(tmp_path: Path) -> Path:
    """A repository that takes what is pushed."""
    path = tmp_path / "server.git"
    await command.run(["init", "-q", "--bare", str(path)])
    return path


@pytest.fixture
def store(tmp_path: Path, server: Path) -> SessionStore:
    return SessionStore(tmp_path / "session", str(server), lambda: False)


async def push(store: SessionStore, server: Path, sha: str, known: list[str]) -> int:
    """Do what a push does; how many objects that took."""
    spool = server.parent / "spool"
    await store.pack([sha], known, spool)
    pack = spool.read_bytes()
    await command.run(["--git-dir", str(server), "unpack-objects", "-q"], stdin=pack)
    await command.run(["--git-dir", str(server), "update-ref", "refs/lazyaf/session", sha])
    return int.from_bytes(pack[8:12])


def test_pieces_end_with_a_line_and_are_the_whole() -> None:
    pieces = pieces_of(SOME_PIECES)

    assert len(pieces) == 3
    assert b"".join(piece.kept or b"" for piece in pieces) == SOME_PIECES
    assert all((piece.kept or b"").endswith(b"\n") for piece in pieces)


def test_what_is_added_leaves_the_earlier_pieces_as_they_are() -> None:
    before, after = pieces_of(SOME_PIECES), pieces_of(SOME_PIECES + MORE)

    assert after[:2] == before[:2]
    assert after != before


def test_half_a_line_waits_for_its_end() -> None:
    half = b'{"said": "' + SECRET[:10].encode()

    assert pieces_of(half) == []
    assert [piece.kept for piece in pieces_of(LINE + half)] == [LINE]


def test_secrets_are_taken_out_and_other_bytes_stay() -> None:
    (piece,) = pieces_of(b"\xff\xfe " + SECRET.encode() + b" \xc3\xa9\n")

    assert piece.kept == b"\xff\xfe " + MASK.encode() + b" \xc3\xa9\n"
    assert piece.is_changed
    assert not pieces_of(LINE)[0].is_changed


def test_one_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessionstore, "SESSION_MAX", 2 * PIECE)
    with pytest.raises(TooLarge):
        pieces_of(SOME_PIECES)
    with pytest.raises(TooLarge):
        pieces_of(b"x" * 3 * PIECE)


async def test_it_comes_back_as_it_was(store: SessionStore, server: Path, tmp_path: Path) -> None:
    sha = await store.save("s-1", pieces_of(SOME_PIECES, store))
    await push(store, server, sha, [])
    other = SessionStore(tmp_path / "other", str(server), lambda: False)

    assert b"".join(await other.fetch(sha, "lazyaf", "secret")) == SOME_PIECES


async def test_what_was_added_is_all_that_is_sent(store: SessionStore, server: Path) -> None:
    first = await store.save("s-1", pieces_of(SOME_PIECES, store))
    await push(store, server, first, [])
    more = pieces_of(SOME_PIECES + MORE, store)
    second = await store.save("s-1", more)

    assert [piece.kept is None for piece in more] == [True, True, False, False, False]
    foreign = "1" * 40
    assert await push(store, server, second, [first, foreign]) == len(["commit", "tree", 3, 4, 5])
    assert b"".join(await store.fetch(second, "lazyaf", "")) == SOME_PIECES + MORE


async def test_pieces_that_are_alike_are_kept_once(store: SessionStore, server: Path) -> None:
    monotonous = (b"y" * PIECE + b"\n") * 3
    sha = await store.save("s-1", pieces_of(monotonous, store))

    assert await push(store, server, sha, []) == len(["commit", "tree", "piece"])
    assert b"".join(await store.fetch(sha, "lazyaf", "")) == monotonous


async def test_what_is_no_save_is_refused(
    store: SessionStore, server: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha = await store.save("s-1", pieces_of(SOME_PIECES, store))
    await push(store, server, sha, [])
    with pytest.raises(GitFailed):
        await store.fetch("1" * 40, "lazyaf", "")
    git = ["--git-dir", str(server)]
    tree = (await command.run([*git, "rev-parse", f"{sha}^{{tree}}"])).text
    line = f"040000 tree {tree}\t000000\n".encode()
    nested = (await command.run([*git, "mktree"], stdin=line)).text
    odd = (await command.run([*git, "commit-tree", nested, "-m", "odd"])).text
    await command.run([*git, "update-ref", "refs/lazyaf/odd", odd])
    with pytest.raises(GitFailed, match="no save of a session"):
        await store.fetch(odd, "lazyaf", "")
    monkeypatch.setattr(sessionstore, "SESSION_MAX", PIECE)
    with pytest.raises(TooLarge):
        await store.fetch(sha, "lazyaf", "")
