"""The bytes of attached files: in the data directory, each content once, named by its SHA-256.

A file comes in through a temporary one and gets its name when all of it is on the disk, so whatever has a
name is whole. Which of them are wanted only the database knows; `lock` is held by whoever names one there
and by whoever takes one away.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import secrets
from collections.abc import AsyncIterator, Collection, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from lazyaf.domain.attachments import HEAD, AttachmentLimits
from lazyaf.domain.errors import TooLarge

FOLDER: Final = "attachments"
"""Of the data directory, and of a backup."""
INCOMING: Final = "incoming"
"""Below it, what is not whole yet."""
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(slots=True)
class Incoming:
    """A file that comes in. All of it is here, and nobody knows it yet; `AttachmentFiles.keep` it."""

    path: Path
    size: int = 0
    head: bytes = b""
    digest: hashlib._Hash = field(default_factory=hashlib.sha256)

    @property
    def sha256(self) -> str:
        """Of what has come, in hexadecimal digits."""
        return self.digest.hexdigest()

    def take(self, chunk: bytes, file: BinaryIO) -> None:
        """The next bytes. Blocking."""
        file.write(chunk)
        self.digest.update(chunk)
        self.size += len(chunk)
        self.head += chunk[: HEAD - len(self.head)]


class AttachmentFiles:
    """Those below ``root``, which is made when the first one comes."""

    def __init__(self, root: Path, limits: AttachmentLimits) -> None:
        self._root = root
        self.limits = limits
        self.lock = asyncio.Lock()

    def path(self, sha256: str) -> Path:
        """Where the file with this content is, if it is."""
        return file_path(self._root, sha256)

    @asynccontextmanager
    async def receiving(self, chunks: AsyncIterator[bytes], most: int) -> AsyncIterator[Incoming]:
        """Take in a file of at most ``most`` bytes, never all of it in memory; what is not kept within the
        block is gone after it. Raises `TooLarge` as soon as it is more, and `OSError`."""
        incoming = Incoming(self._root / INCOMING / secrets.token_hex(16))
        await asyncio.to_thread(_make_folder, incoming.path.parent)
        try:
            file = await asyncio.to_thread(incoming.path.open, "xb")
            try:
                async for chunk in chunks:
                    if incoming.size + len(chunk) > most:
                        raise TooLarge(f"The file has more than {most:,} bytes.")
                    await asyncio.to_thread(incoming.take, chunk, file)
                await asyncio.to_thread(_sync, file)
            finally:
                await asyncio.to_thread(file.close)
            yield incoming
        finally:
            await asyncio.to_thread(incoming.path.unlink, missing_ok=True)

    async def keep(self, incoming: Incoming) -> None:
        """Give what has come its name; on the disk for good when this returns. With `lock` held."""
        await asyncio.to_thread(_place, incoming.path, self.path(incoming.sha256))

    async def remove(self, hashes: Collection[str]) -> None:
        """Take these away, with `lock` held."""
        await asyncio.to_thread(_unlink, [self.path(sha256) for sha256 in hashes])

    def size(self) -> int:
        """Bytes of all of them. Blocking."""
        return sum(facts.st_size for _, facts in self._everything())

    def older_than(self, before: float) -> dict[str, int]:
        """Of those that came before this time (Unix seconds) the bytes, by their hash. Blocking."""
        return {
            path.name: facts.st_size
            for path, facts in self._everything()
            if facts.st_mtime < before and _SHA256.fullmatch(path.name)
        }

    def unfinished(self, before: float, *, remove: bool) -> list[int]:
        """Of what began to come in before this time, and never was whole, the bytes; with ``remove`` it is
        gone. Blocking."""
        found = [
            (path, facts.st_size)
            for path, facts in self._everything()
            if facts.st_mtime < before and path.parent.name == INCOMING
        ]
        if remove:
            _unlink(path for path, _ in found)
        return [size for _, size in found]

    def _everything(self) -> Iterator[tuple[Path, os.stat_result]]:
        for path in self._root.glob("*/*"):
            try:
                yield path, path.stat()
            except FileNotFoundError:  # gone meanwhile
                continue


def file_path(root: Path, sha256: str) -> Path:
    """Where below ``root`` the file with this content is."""
    if not _SHA256.fullmatch(sha256):
        raise ValueError("This is no SHA-256.")
    return root / sha256[:2] / sha256


def copy_file(source: Path, target: Path, sha256: str) -> bool:
    """Copy the file with this content from one root below another; False when it is not there, or no
    longer what it was. Blocking."""
    origin, copy = file_path(source, sha256), file_path(target, sha256)
    _make_folder(copy.parent)
    digest = hashlib.sha256()
    try:
        with origin.open("rb") as read, copy.open("xb") as written:
            os.fchmod(written.fileno(), 0o600)
            while chunk := read.read(2**20):
                digest.update(chunk)
                written.write(chunk)
            _sync(written)
    except FileNotFoundError:
        return False
    if digest.hexdigest() != sha256:
        copy.unlink()
        return False
    return True


def _make_folder(folder: Path) -> None:
    for each in (folder.parent, folder):
        each.mkdir(mode=0o700, parents=True, exist_ok=True)


def _unlink(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _place(path: Path, target: Path) -> None:
    path.chmod(0o600)
    _make_folder(target.parent)
    path.replace(target)
    for folder in (target.parent, target.parent.parent):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
