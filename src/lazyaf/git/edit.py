"""A commit with other contents in some files, made without a work tree. Moves no ref."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import pygit2
from pygit2.enums import FileMode

from lazyaf.domain.errors import Invalid
from lazyaf.git import command, lfs
from lazyaf.git.merge import Identity, identities
from lazyaf.git.reader import opened
from lazyaf.git.refs import require_object_ids
from lazyaf.git.storage import Storage

MAX_BYTES = 4 * 1024**2
"""Of a file that is edited here."""
_SNIFFED = 8_000
"""Bytes in which a NUL makes a file a binary one, as for git."""


@dataclass(frozen=True, slots=True)
class _File:
    mode: int
    content: bytes


async def edit(
    storage: Storage,
    repo_id: str,
    commit: str,
    edits: Mapping[str, Callable[[bytes], bytes]],
    *,
    message: str,
    author: Identity,
) -> str:
    """Make the child of ``commit``, a full id, in which each of these files has what its function makes of
    it; modes stay. Returns its id.

    The caller holds `Storage.shared` until a ref points at it. Raises `Invalid` for what is no text file of
    the commit, or when nothing changes.
    """
    require_object_ids(commit)
    there = await asyncio.to_thread(_read, storage.path(repo_id), commit, list(edits))
    changed = {path: make(there[path].content) for path, make in edits.items()}
    changed = {path: new for path, new in changed.items() if new != there[path].content}
    if not changed:
        raise Invalid.field("suggestions", "These lines are like that already.")
    entries = []
    for path, content in changed.items():
        blob = await storage.git(repo_id, ["hash-object", "-w", "--stdin"], stdin=content)
        entries.append(f"{there[path].mode:o} {blob.text}\t{path}\0")
    with storage.temporary() as folder:
        index = command.child_env({"GIT_INDEX_FILE": str(folder / "index")})
        await storage.git(repo_id, ["read-tree", commit], env=index)
        lines = "".join(entries).encode()
        await storage.git(repo_id, ["update-index", "-z", "--index-info"], env=index, stdin=lines)
        tree = await storage.git(repo_id, ["write-tree"], env=index)
    made = await storage.git(
        repo_id,
        ["commit-tree", tree.text, "-p", commit, "-F", "-"],
        env=command.child_env(identities(author, author)),
        stdin=message.encode(),
    )
    return made.text


def _read(folder: Path, commit: str, paths: Collection[str]) -> dict[str, _File]:
    with opened(folder) as repository:
        tree = repository[commit].peel(pygit2.Tree)
        return {path: _text_file(tree, path) for path in paths}


def _text_file(tree: pygit2.Tree, path: str) -> _File:
    try:
        entry = tree[path]
    except (KeyError, pygit2.GitError, ValueError):
        raise _refused(f"There is no file {path} on the branch.") from None
    if not isinstance(entry, pygit2.Blob) or entry.filemode is FileMode.LINK:
        raise _refused(f"{path} is no file with lines.")
    if entry.size > MAX_BYTES:
        raise _refused(f"{path} is too large to be changed here. Check the branch out.")
    content = entry.data
    if b"\0" in content[:_SNIFFED] or lfs.pointer(content) is not None:
        raise _refused(f"{path} is no text.")
    return _File(int(entry.filemode), content)


def _refused(why: str) -> Invalid:
    return Invalid.field("suggestions", why)
