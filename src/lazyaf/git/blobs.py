"""Single files out of a commit, for the configuration that a repository carries."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

import pygit2

from lazyaf.git.reader import opened
from lazyaf.git.storage import Storage

MAX_BYTES: Final = 1024 * 1024


async def read_file(storage: Storage, repo_id: str, commit: str, path: str) -> bytes | None:
    """The content of a regular file in a commit; None when there is none or it is over 1 MiB."""
    async with storage.shared(repo_id) as repository:
        return await asyncio.to_thread(_read, repository, commit, path)


def _read(repository: Path, commit: str, path: str) -> bytes | None:
    with opened(repository) as repo:
        found = repo.get(commit)
        if not isinstance(found, pygit2.Commit):
            return None
        try:
            blob = found.tree[path]
        except KeyError:
            return None
        if not isinstance(blob, pygit2.Blob) or blob.size > MAX_BYTES:
            return None
        return bytes(blob.data)
