"""Single files out of a commit, for the configuration that a repository carries."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

import pygit2
from pygit2.enums import FileMode

from lazyaf.git.reader import opened
from lazyaf.git.storage import Storage

MAX_BYTES: Final = 1024 * 1024


async def read_file(storage: Storage, repo_id: str, commit: str, path: str) -> bytes | None:
    """The content of a regular file in a commit, which is a full id.

    None when there is none, when it is a link (which nothing here follows) or over 1 MiB.
    """
    async with storage.shared(repo_id) as repository:
        return await asyncio.to_thread(_read, repository, commit, path)


def _read(path: Path, commit: str, name: str) -> bytes | None:
    with opened(path) as repository:
        found = repository.get(commit)
        try:
            entry = None if found is None else found.peel(pygit2.Tree)[name]
        except (KeyError, pygit2.GitError):
            return None
        if not isinstance(entry, pygit2.Blob) or entry.filemode is FileMode.LINK:
            return None
        return entry.data if entry.size <= MAX_BYTES else None
