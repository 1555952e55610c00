"""The ``.gitattributes`` of a commit as one file, for git commands that have no work tree.

A bare repository ignores the attributes in its trees, and git 2.39 has no ``--attr-source``. One
file for ``core.attributesFile`` says the same, with the pattern of a file in a folder made to begin
with that folder, the deeper ones last: the last line that matches wins, as the nearest file does in
a work tree (gitattributes, "DESCRIPTION").
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pygit2
from pygit2.enums import FileMode

from lazyaf.git.reader import PairCache, opened
from lazyaf.git.storage import Storage

NAME: Final = ".gitattributes"
MAX_BYTES: Final = 1024 * 1024
"""Of one file and of all together; what is beyond is left out."""

_GLOB: Final = re.compile(rb"([*?\[\\])")
_QUOTED: Final = re.compile(rb'"((?:[^"\\]|\\.)*)"')
_ESCAPED: Final = re.compile(rb"\\(?:([0-7]{3})|(.))", re.DOTALL)
_LETTERS: Final = {b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t"}

_known: PairCache[bytes] = PairCache(64)


async def attributes_of(storage: Storage, repo_id: str, commit: str) -> bytes:
    """The attributes at a commit, a full id, as one file; remembered. Empty where there are none."""
    known = _known.get(repo_id, commit)
    if known is not None:
        return known
    async with storage.shared(repo_id) as path:
        return _known.put(repo_id, commit, await asyncio.to_thread(_read, path, commit))


def _read(path: Path, commit: str) -> bytes:
    with opened(path) as repository:
        try:
            found = repository.get(commit)
            tree = None if found is None else found.peel(pygit2.Tree)
        except pygit2.GitError:
            tree = None
        if tree is None:
            return b""
        pieces: list[bytes] = []
        room = MAX_BYTES
        for folder, text in _files(tree, b""):
            lines = b"".join(line + b"\n" for line in rooted(text, folder))
            room -= len(lines)
            if room < 0:
                break
            pieces.append(lines)
        return b"".join(pieces)


def _files(tree: pygit2.Tree, folder: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Every regular ``.gitattributes`` with its folder (empty, or ending in a slash), a folder's own
    before those below it."""
    for entry in tree:
        is_own = entry.name == NAME and entry.filemode is not FileMode.LINK
        if is_own and isinstance(entry, pygit2.Blob) and entry.size <= MAX_BYTES:
            yield folder, entry.data
    for entry in tree:
        if entry.filemode is FileMode.TREE and isinstance(entry, pygit2.Tree):
            yield from _files(entry, folder + (entry.raw_name or b"") + b"/")


def rooted(text: bytes, folder: bytes) -> Iterator[bytes]:
    """The lines of a file in ``folder``, said from the root of the tree."""
    for raw in text.removeprefix(b"\xef\xbb\xbf").splitlines():
        line = raw.strip(b" \t\r\n")
        if not line or line.startswith(b"#"):
            continue
        if not folder:
            yield line
        elif not line.startswith(b"[attr]"):  # macros are the top folder's alone to define
            pattern, said = _split(line)
            if pattern and not pattern.startswith(b"!"):
                yield _quoted(_below(folder, pattern)) + b" " + said


def _split(line: bytes) -> tuple[bytes, bytes]:
    """A line's pattern, its quotes undone, and what it says."""
    quoted = _QUOTED.match(line)
    if quoted is not None:
        return _ESCAPED.sub(_unescaped, quoted[1]), line[quoted.end() :].strip()
    pattern, _, said = line.replace(b"\t", b" ").partition(b" ")
    return pattern, said.strip()


def _unescaped(match: re.Match[bytes]) -> bytes:
    if match[1] is not None:
        return bytes([int(match[1], 8) & 0xFF])
    return _LETTERS.get(match[2], match[2])


def _below(folder: bytes, pattern: bytes) -> bytes:
    """A pattern without a slash is about names at any depth; any other begins at its folder."""
    place = _GLOB.sub(rb"\\\1", folder)
    return place + (pattern.lstrip(b"/") if b"/" in pattern.rstrip(b"/") else b"**/" + pattern)


def _quoted(pattern: bytes) -> bytes:
    """The pattern as git's C-style string, so that blanks in a folder's name stay part of it."""
    return b'"' + re.sub(rb'(["\\])', rb"\\\1", pattern) + b'"'
