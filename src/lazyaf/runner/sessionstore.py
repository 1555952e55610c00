"""A bare repository of the runner's own that holds an agent's session on its way (rule R1).

It lies beside the work tree, where no agent sees it, and is fed with text that has no secrets any more;
so git may run on it outside the sandbox. A save is a commit without parents whose tree has the pieces of
one file: what an agent only adds to costs its last piece each time.
"""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from lazyaf.domain.errors import GitFailed, TooLarge
from lazyaf.git import command
from lazyaf.runner import fetching
from lazyaf.runner.redaction import Redactor
from lazyaf.runner.workdir import remove_tree

SESSION_MAX: Final = 64 * 1024 * 1024
"""Bytes of a session that is saved or brought back."""
PIECE: Final = 256 * 1024
"""Bytes after which the next line begins a new piece."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Some lines of a session: the digest of what the agent wrote, and what is kept of it (None where
    the store has that already)."""

    digest: bytes
    kept: bytes | None

    @property
    def is_changed(self) -> bool:
        """Whether there were secrets in it."""
        return self.kept is not None and _digest(self.kept) != self.digest


def cut(file: BinaryIO, redactor: Redactor, known: Mapping[bytes, str]) -> list[Piece]:
    """The pieces of a file, without secrets. Raises `TooLarge`. Blocking.

    What comes after the last end of a line is left out: it may be half of a line, and half of a secret.
    """
    return list(_cut(file, redactor, known))


def _cut(file: BinaryIO, redactor: Redactor, known: Mapping[bytes, str]) -> Iterator[Piece]:
    size = 0
    while raw := file.read(PIECE) + file.readline(SESSION_MAX):
        size += len(raw)
        if size > SESSION_MAX:
            raise TooLarge(f"It is larger than {SESSION_MAX:,} bytes.")
        lines = raw[: raw.rfind(b"\n") + 1]
        if lines:
            digest = _digest(lines)
            yield Piece(digest, None if digest in known else _without_secrets(lines, redactor))
        if len(lines) < len(raw):
            return


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _without_secrets(raw: bytes, redactor: Redactor) -> bytes:
    text = raw.decode("utf-8", "surrogateescape")
    return redactor.text(text).encode("utf-8", "surrogateescape")


class SessionStore:
    """The store at ``path``; ``url`` is where a session is fetched from."""

    def __init__(self, path: Path, url: str, is_away: Callable[[], bool]) -> None:
        self._path = path
        self._url = url
        self._is_away = is_away
        self._has_begun = False
        self.known: dict[bytes, str] = {}
        """Blobs of pieces that are here, by the digest of what the agent wrote."""

    async def save(self, session: str, pieces: Sequence[Piece]) -> str:
        """Keep the pieces; the commit. Raises `GitFailed`, `OSError`."""
        await self._begin()
        fresh = {piece.digest: piece.kept for piece in pieces if piece.kept is not None}
        blobs = await self._write(list(fresh.values()))
        self.known.update(zip(fresh, blobs, strict=True))
        lines = [
            f"100644 blob {self.known[piece.digest]}\t{_name(number)}\n"
            for number, piece in enumerate(pieces)
        ]
        tree = await self._git("mktree", stdin="".join(lines).encode())
        commit = await self._git("commit-tree", tree.text, stdin=f"Session {session}\n".encode())
        return commit.text

    async def fetch(self, sha: str, username: str, password: str) -> list[bytes]:
        """Bring a save here; its pieces. Raises `GitFailed`, `TooLarge`."""
        await self._begin()
        auth = command.auth_env(self._url, username, password)
        kept = [f"+{sha}:refs/lazyaf/kept"]
        await fetching.fetch(self._path, self._url, auth, kept, self._is_away)
        listed = await self._git("ls-tree", "-z", "-l", "--full-tree", sha)
        entries = [line.split(b"\t") for line in listed.stdout.split(b"\0") if line]
        facts = [words.split() for words, _ in entries]
        names = [name.decode("utf-8", "replace") for _, name in entries]
        if names != [_name(n) for n in range(len(names))] or any(f[1] != b"blob" for f in facts):
            raise GitFailed(f"{sha} is no save of a session.")
        sizes = [int(f[3]) for f in facts]
        if sum(sizes) > SESSION_MAX:
            raise TooLarge(f"It is larger than {SESSION_MAX:,} bytes.")
        return await self._read([f[2] for f in facts], sizes)

    async def pack(self, new: Iterable[str], known: Iterable[str], spool: Path) -> None:
        """Write a pack of what the server lacks to ``spool``. Raises `GitFailed`."""
        asked = "\n".join(known).encode() + b"\n"
        checked = await self._git("cat-file", "--batch-check=%(objectname)", stdin=asked)
        here = [line for line in checked.text.splitlines() if " " not in line]
        wanted = await self._objects(new) - await self._objects(here)
        ids = "".join(f"{sha}\n" for sha in sorted(wanted)).encode()
        pack = await self._git("pack-objects", "--stdout", "-q", stdin=ids)
        await asyncio.to_thread(spool.write_bytes, pack.stdout)

    async def _begin(self) -> None:
        """Begin with nothing: where no sandbox is, even this may have been written by somebody else
        before, and a fetch carries a credential."""
        if not self._has_begun:
            await asyncio.to_thread(remove_tree, self._path)
            await command.run(["init", "--quiet", "--bare", "--template=", str(self._path)])
            self._has_begun = True

    async def _write(self, blobs: Sequence[bytes]) -> list[str]:
        with tempfile.TemporaryDirectory(dir=self._path) as folder:
            paths = [Path(folder, _name(number)) for number in range(len(blobs))]
            for path, blob in zip(paths, blobs, strict=True):
                await asyncio.to_thread(path.write_bytes, blob)
            listed = "".join(f"{path}\n" for path in paths).encode()
            done = await self._git(
                "hash-object", "-w", "--no-filters", "--stdin-paths", stdin=listed
            )
        return done.text.split()

    async def _read(self, blobs: Sequence[bytes], sizes: Sequence[int]) -> list[bytes]:
        done = await self._git("cat-file", "--batch", stdin=b"".join(b + b"\n" for b in blobs))
        pieces, at = [], 0
        for size in sizes:
            at = done.stdout.find(b"\n", at) + 1
            pieces.append(done.stdout[at : at + size])
            at += size + 1
        return pieces

    async def _objects(self, commits: Iterable[str]) -> set[str]:
        """Everything that these saves are made of."""
        asked = list(commits)
        if not asked:
            return set()
        done = await self._git("rev-list", "--objects", "--no-object-names", *asked)
        return set(done.text.split())

    async def _git(self, *args: str, stdin: bytes | None = None) -> command.Completed:
        return await command.run(["--git-dir", str(self._path), *args], stdin=stdin)


def _name(number: int) -> str:
    return f"{number:06}"
