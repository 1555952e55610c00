"""Merging without a work tree: whether two commits merge, and the commit that does it.

`git merge-tree` gives the result that people get at home. A question is answered in a throwaway
object directory with the store as its alternate, so that asking leaves nothing behind (R8). A bare
repository ignores the tree's ``.gitattributes``; those of the target are handed over in a private
file. Nothing here moves a ref. Replaying commits one by one is `lazyaf.git.rebase`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lazyaf.domain.errors import GitFailed, MergeConflict
from lazyaf.git import command
from lazyaf.git.attributes import attributes_of
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
class Merged:
    """What merge-tree said: a tree, or the paths in conflict, sorted."""

    tree: str
    clean: bool
    files: list[str]


@dataclass(frozen=True, slots=True)
class Written:
    """Who wrote a commit, and its subject."""

    author: str
    email: str
    subject: str


_known: PairCache[Mergeability] = PairCache(4_096)


def known_mergeability(base_sha: str, head_sha: str) -> Mergeability | None:
    """The answer of `mergeability`, if it is still remembered."""
    return _known.get(base_sha, head_sha)


def remember(base_sha: str, head_sha: str, merged: Merged) -> Mergeability:
    """Keep how a merge went as the answer of `mergeability`, and give that."""
    return _known.put(base_sha, head_sha, Mergeability(merged.clean, merged.files))


async def mergeability(
    storage: Storage, repo_id: str, base_sha: str, head_sha: str
) -> Mergeability:
    """Whether ``head_sha`` merges into ``base_sha``; full ids. Remembered, and leaves no objects.

    Commits without a common history do not merge, and have no files to name.
    """
    require_object_ids(base_sha, head_sha)
    known = known_mergeability(base_sha, head_sha)
    if known is not None:
        return known
    async with storage.shared(repo_id) as path:
        with storage.temporary() as folder:
            aside = objects_aside(folder, path)
            attributes = await write_attributes(storage, repo_id, base_sha, folder)
            merged = await merge_tree(storage, repo_id, attributes, base_sha, head_sha, aside)
    return remember(base_sha, head_sha, merged)


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
        tree = await merged_tree(storage, repo_id, base_sha, head_sha)
        made = await storage.git(
            repo_id,
            ["commit-tree", tree, "-p", base_sha, "-p", head_sha, "-F", "-"],
            env=command.child_env(identities(author, committer)),
            stdin=message.encode(),
        )
    return made.text


async def squash_commit(
    storage: Storage,
    repo_id: str,
    base_sha: str,
    head_sha: str,
    *,
    message: str,
    author: Identity | None = None,
    committer: Identity | None = None,
) -> str:
    """Make one commit on ``base_sha`` with all that merging ``head_sha`` brings; return its id.

    Empty where that is nothing. The caller holds `Storage.shared` as for `merge_commit`. Raises
    `MergeConflict`.
    """
    async with storage.shared(repo_id):
        tree = await merged_tree(storage, repo_id, base_sha, head_sha)
        made = await storage.git(
            repo_id,
            ["commit-tree", tree, "-p", base_sha, "-F", "-"],
            env=command.child_env(identities(author, committer)),
            stdin=message.encode(),
        )
    return made.text


async def written(storage: Storage, repo_id: str, base_sha: str, head_sha: str) -> list[Written]:
    """The commits of ``head_sha`` that ``base_sha`` has not, oldest first, merges left out."""
    require_object_ids(base_sha, head_sha)
    async with storage.shared(repo_id):
        said = await storage.git(
            repo_id,
            ["log", "--reverse", "--topo-order", "--no-merges",
             "--format=%an%x00%ae%x00%s%x00", f"{base_sha}..{head_sha}"],
        )  # fmt: skip
    fields = said.text.split("\0")[:-1]
    return [
        Written(author.lstrip("\n"), email, subject)
        for author, email, subject in zip(fields[::3], fields[1::3], fields[2::3], strict=True)
    ]


async def merged_tree(storage: Storage, repo_id: str, base_sha: str, head_sha: str) -> str:
    """The tree of the merge, written into the store; `MergeConflict` writes nothing.

    The caller holds `Storage.shared`.
    """
    answer = await mergeability(storage, repo_id, base_sha, head_sha)
    if not answer.clean:
        raise MergeConflict(complaint(answer.files), files=answer.files)
    with storage.temporary() as folder:
        attributes = await write_attributes(storage, repo_id, base_sha, folder)
        return (await merge_tree(storage, repo_id, attributes, base_sha, head_sha, {})).tree


async def tree_of(storage: Storage, repo_id: str, commit: str) -> str:
    """The tree of a commit, by its full id."""
    require_object_ids(commit)
    return (await storage.git(repo_id, ["rev-parse", f"{commit}^{{tree}}"])).text


def complaint(files: list[str]) -> str:
    """What is said of a merge that is not clean."""
    if not files:
        return "The branches have no common history, so they do not merge."
    count = "1 file" if len(files) == 1 else f"{len(files)} files"
    return f"The branch conflicts with its base in {count}. Ask the agent to merge the base."


def objects_aside(folder: Path, repository: Path) -> dict[str, str]:
    """Variables with which git reads the repository and writes its objects below ``folder``."""
    (folder / "objects").mkdir()
    return {
        "GIT_OBJECT_DIRECTORY": str(folder / "objects"),
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": _quoted(repository / "objects"),
    }


async def write_attributes(storage: Storage, repo_id: str, commit: str, folder: Path) -> Path:
    """A private file with the attributes of a commit."""
    attributes = folder / "attributes"
    attributes.write_bytes(await attributes_of(storage, repo_id, commit))
    return attributes


async def merge_tree(
    storage: Storage, repo_id: str, attributes: Path, base: str, head: str, env: dict[str, str]
) -> Merged:
    """Merge two commits into a tree; ``env`` may say where objects go (`objects_aside`)."""
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
            return Merged("", clean=False, files=[])
        raise
    if not answer.stdout:  # an id that is no commit also ends with 1
        raise GitFailed(command.failure("merge-tree", answer.returncode, answer.stderr))
    fields = iter(answer.stdout.decode(errors="replace").split("\0"))
    return read_merge(fields, base, head, clean=answer.returncode == 0)


def read_merge(fields: Iterator[str], base: str, head: str, *, clean: bool) -> Merged:
    """Take what merge-tree says of one merge from the fields of its answer, which are
    ``<tree> NUL (<conflicted path> NUL)* NUL <messages>`` (git-merge-tree, "OUTPUT").

    Where no path is left in conflict, the messages, of which each is a count, so many paths, a type
    and a text, name what is.
    """
    tree = next(fields).strip()
    files = set()
    for path in fields:
        if not path:
            break
        files.add(path)
    complained = _complained_of(fields)
    # Where a name is taken git sets a file aside as "<path>~<side>"; people know it by its path.
    aside = re.compile(rf"~(?:{base}|{head})(?:_\d+)?$")
    return Merged(tree, clean, sorted({aside.sub("", path) for path in files or complained}))


def _complained_of(messages: Iterator[str]) -> set[str]:
    files: set[str] = set()
    for count in messages:
        if not count.isdigit():
            break
        paths = [next(messages) for _ in range(int(count))]
        kind, _text = next(messages), next(messages)
        if kind.startswith("CONFLICT"):
            files.update(paths)
    return files


def identities(author: Identity | None, committer: Identity | None) -> dict[str, str]:
    """The variables that name a commit's author and committer."""
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
