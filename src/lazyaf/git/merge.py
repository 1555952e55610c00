"""Merging without a work tree: whether two commits merge, and the commit that does it.

`git merge-tree` gives the result that people get at home. A question is answered in a throwaway
object directory with the store as its alternate, so that asking leaves nothing behind (R8). A bare
repository ignores the tree's ``.gitattributes``; the target's own one is handed over in a private
file. Nothing here moves a ref.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lazyaf.domain.errors import GitFailed, MergeConflict
from lazyaf.git import command
from lazyaf.git.blobs import read_file
from lazyaf.git.reader import PairCache
from lazyaf.git.refs import require_object_ids
from lazyaf.git.storage import Storage


@dataclass(frozen=True, slots=True)
class Mergeability:
    """Whether the merge is clean, and otherwise the paths in conflict, sorted."""

    clean: bool
    files: list[str]


@dataclass(frozen=True, slots=True)
class Identity:
    """Who, and when (``<seconds> <+hhmm>`` or ISO 8601; None is now)."""

    name: str
    email: str
    at: str | None = None


@dataclass(frozen=True, slots=True)
class _Merged:
    """What merge-tree said: a tree, or why not."""

    tree: str
    clean: bool
    files: list[str]


_known: PairCache[Mergeability] = PairCache(4_096)


async def mergeability(
    storage: Storage, repo_id: str, base_sha: str, head_sha: str
) -> Mergeability:
    """Whether ``head_sha`` merges into ``base_sha``; full ids. Remembered, and leaves no objects.

    Commits without a common history do not merge, and have no files to name.
    """
    require_object_ids(base_sha, head_sha)
    known = _known.get(base_sha, head_sha)
    if known is not None:
        return known
    async with storage.shared(repo_id) as path:
        with storage.temporary() as folder:
            (folder / "objects").mkdir()
            aside = {
                "GIT_OBJECT_DIRECTORY": str(folder / "objects"),
                "GIT_ALTERNATE_OBJECT_DIRECTORIES": _quoted(path / "objects"),
            }
            merged = await _merge_tree(storage, repo_id, folder, base_sha, head_sha, aside)
    return _known.put(base_sha, head_sha, Mergeability(merged.clean, merged.files))


async def merge_commit(
    storage: Storage,
    repo_id: str,
    base_sha: str,
    head_sha: str,
    *,
    message: str,
    author: Identity | None = None,
    committer: Identity | None = None,
) -> str:
    """Make the commit that merges ``head_sha`` into ``base_sha`` and return its id.

    Always a merge commit, base first, also where a fast-forward were possible. The caller holds
    `Storage.shared` until a ref points at it, or prune may take it. Raises `MergeConflict`.
    """
    async with storage.shared(repo_id):
        answer = await mergeability(storage, repo_id, base_sha, head_sha)
        if not answer.clean:
            raise MergeConflict(_complaint(answer.files), files=answer.files)
        with storage.temporary() as folder:
            merged = await _merge_tree(storage, repo_id, folder, base_sha, head_sha, {})
        made = await storage.git(
            repo_id,
            ["commit-tree", merged.tree, "-p", base_sha, "-p", head_sha, "-F", "-"],
            env=command.child_env(_identities(author, committer)),
            stdin=message.encode(),
        )
    return made.text


def _complaint(files: list[str]) -> str:
    if not files:
        return "The branches have no common history, so they do not merge."
    count = "1 file" if len(files) == 1 else f"{len(files)} files"
    return f"The branch conflicts with its base in {count}. Ask the agent to merge the base."


async def _merge_tree(
    storage: Storage, repo_id: str, folder: Path, base: str, head: str, env: dict[str, str]
) -> _Merged:
    attributes = folder / "attributes"
    attributes.write_bytes(await read_file(storage, repo_id, base, ".gitattributes") or b"")
    try:
        answer = await storage.git(
            repo_id,
            ["-c", f"core.attributesFile={attributes}",
             "merge-tree", "--write-tree", "-z", "--messages", "--name-only", base, head],
            env=command.child_env(env),
            ok=(0, 1),
        )  # fmt: skip
    except GitFailed as failed:
        if "unrelated histories" in failed.detail:
            return _Merged("", clean=False, files=[])
        raise
    if not answer.stdout:  # an id that is no commit also ends with 1
        raise GitFailed(command.failure("merge-tree", answer.returncode, answer.stderr))
    tree, files = _parse(answer.stdout)
    return _Merged(tree, clean=answer.returncode == 0, files=files)


def _parse(answer: bytes) -> tuple[str, list[str]]:
    """``<tree> NUL (<conflicted path> NUL)* NUL <messages>`` (git-merge-tree, "OUTPUT").

    The messages, of which each is a count, so many paths, a type and a text, name those paths too
    that left nothing in the index, as where a directory stands in the way of a file.
    """
    fields = iter(answer.decode(errors="replace").split("\0"))
    tree = next(fields).strip()
    files = set()
    for path in fields:
        if not path:
            break
        files.add(path)
    for count in fields:
        if not count.isdigit():
            break
        paths = [next(fields) for _ in range(int(count))]
        kind, _text = next(fields), next(fields)
        if kind.startswith("CONFLICT"):
            files.update(paths)
    return tree, sorted(files)


def _identities(author: Identity | None, committer: Identity | None) -> dict[str, str]:
    roles: Iterable[tuple[str, Identity | None]] = (("AUTHOR", author), ("COMMITTER", committer))
    env = {}
    for role, identity in roles:
        if identity is not None:
            env[f"GIT_{role}_NAME"] = identity.name
            env[f"GIT_{role}_EMAIL"] = identity.email
            if identity.at is not None:
                env[f"GIT_{role}_DATE"] = identity.at
    return env


def _quoted(path: Path) -> str:
    """A path for a variable in which colons separate (git, "GIT_ALTERNATE_OBJECT_DIRECTORIES")."""
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'
