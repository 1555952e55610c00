"""Files: out of a commit for what a repository says of itself and people of lines, by their id for people."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import pygit2
from pygit2.enums import FileMode, ObjectType

from lazyaf.domain.errors import NotFound, TooLarge
from lazyaf.git.reader import opened
from lazyaf.git.refs import require_object_ids
from lazyaf.git.storage import Storage

MAX_BYTES: Final = 1024 * 1024
SHOWN_MAX: Final = 16 * 1024**2
"""Bytes of a blob that is handed out to be looked at."""
_NONE: Final = "There is no such file in this repository."


async def read_file(storage: Storage, repo_id: str, commit: str, path: str) -> bytes | None:
    """The content of a regular file in a commit, which is a full id.

    None when there is none, when it is a link (which nothing here follows) or over 1 MiB.
    """
    async with storage.shared(repo_id) as repository:
        return await asyncio.to_thread(_read, repository, commit, path)


async def read_folder(
    storage: Storage, repo_id: str, commit: str, path: str, suffix: str, most: int
) -> list[tuple[str, bytes]]:
    """Name and content of the first ``most`` regular files of a folder whose names end so, by name.

    Links and what is over 1 MiB are left out; so is what lies in folders of it.
    """
    async with storage.shared(repo_id) as repository:
        return await asyncio.to_thread(_read_folder, repository, commit, path, suffix, most)


async def count_lines(
    storage: Storage, repo_id: str, commit: str, paths: Iterable[str]
) -> dict[str, int | None]:
    """How many lines each of these files has in a commit; those that are not there are left out. None for
    a submodule, a link, or a file over 1 MiB. Costs a look at each of them."""
    async with storage.shared(repo_id) as repository:
        return await asyncio.to_thread(_count_lines, repository, commit, list(paths))


def _count_lines(path: Path, commit: str, names: list[str]) -> dict[str, int | None]:
    with opened(path) as repository:
        entries = {name: _entry(repository, commit, name) for name in names}
        return {name: _lines(it) for name, it in entries.items() if it is not None}


def _lines(entry: pygit2.Object) -> int | None:
    content = _content(entry)
    if content is None:
        return None
    return content.removesuffix(b"\n").count(b"\n") + bool(content)


def _read(path: Path, commit: str, name: str) -> bytes | None:
    with opened(path) as repository:
        return _content(_entry(repository, commit, name))


def _read_folder(
    path: Path, commit: str, name: str, suffix: str, most: int
) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    with opened(path) as repository:
        folder = _entry(repository, commit, name)
        for entry in folder if isinstance(folder, pygit2.Tree) else ():
            content = _content(entry) if (entry.name or "").endswith(suffix) else None
            if content is not None and len(found) < most:
                found.append((entry.name or "", content))
    return found


def _entry(repository: pygit2.Repository, commit: str, name: str) -> pygit2.Object | None:
    found = repository.get(commit)
    try:
        return None if found is None else found.peel(pygit2.Tree)[name]
    except (KeyError, pygit2.GitError):
        return None


def _content(entry: pygit2.Object | None) -> bytes | None:
    if not isinstance(entry, pygit2.Blob) or entry.filemode is FileMode.LINK:
        return None
    return entry.data if entry.size <= MAX_BYTES else None


async def read_blob(storage: Storage, repo_id: str, blob_id: str) -> bytes:
    """A blob by its full id. Raises `NotFound`, and `TooLarge` beyond `SHOWN_MAX`."""
    require_object_ids(blob_id)
    async with storage.shared(repo_id) as repository:
        return await asyncio.to_thread(_blob, repository, blob_id)


def _blob(path: Path, blob_id: str) -> bytes:
    with opened(path) as repository:
        try:
            kind, size = repository.odb.read_header(blob_id)
        except KeyError:
            raise NotFound(_NONE) from None
        if kind != ObjectType.BLOB:
            raise NotFound(_NONE)
        if size > SHOWN_MAX:
            raise TooLarge("This file is too large to be shown here. Check the branch out.")
        return repository[blob_id].peel(pygit2.Blob).data
