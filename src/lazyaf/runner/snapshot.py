"""Looks at an agent's repository from inside the sandbox: what a commit of everything would hold.

A snapshot is a tree object made as `git add` would, filters and all, but with an index of its own, so
that the agent's index, and a lock that a killed git left on it, are never in the way. What cannot be
committed whole is named; a checkpoint (`saves`) holds it byte for byte.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from lazyaf.domain.errors import GitFailed
from lazyaf.runner.treegit import TreeGit

NOTES_MAX: Final = 20
_INDEX: Final = ".git/lazyaf-index"
_STAT: Final = re.compile(
    r"(?:(\d+) files? changed)?(?:, (\d+) insertions?\(\+\))?(?:, (\d+) deletions?\(-\))?"
)
_EMBEDDED: Final = re.compile(r"adding embedded git repository: (.+)")
_UNSAVED: Final = re.compile(r"error: (.+)")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """``head`` is what HEAD stands for, ``branch_head`` what the branch does when HEAD is not on one;
    ``tree`` holds the files. ``unfinished`` says in words why nothing may be committed now."""

    head: str
    tree: str
    head_tree: str
    tip: str
    merging: str | None
    unfinished: str | None
    notes: tuple[str, ...]

    @property
    def dirty(self) -> bool:
        """Whether something is not committed."""
        return self.tree != self.head_tree or self.merging is not None


async def take(git: TreeGit, branch: str, *, anew: bool = False) -> Snapshot:
    """Save the files as a tree, with ``anew`` without a look at the agent's index, which may be broken.
    Raises `GitFailed`, also when there is no repository any more."""
    head = await git.ref("HEAD")
    if head is None:
        raise GitFailed("The repository in the work tree cannot be read any more.")
    env = {"GIT_INDEX_FILE": str(git.tree / _INDEX)}
    # A copy of the agent's index spares hashing every file again; without one it only takes longer.
    begin = "true" if anew else f"cp -f .git/index {_INDEX}"
    await git.command(["sh", "-c", f"rm -f {_INDEX} {_INDEX}.lock; {begin}"])
    # 1 is for files that cannot be read, which are named; more is for what would look like no change.
    added = await git.run("add", "--all", "--ignore-errors", "--", ".", env=env, ok=(0, 1))
    tree = await git.sha("write-tree", env=env)
    unfinished = await _unfinished(git)
    tip = head if unfinished is None else (await git.ref(f"refs/heads/{branch}") or head)
    return Snapshot(
        head=head,
        tree=tree,
        head_tree=await git.sha("rev-parse", "--verify", f"{head}^{{tree}}"),
        tip=tip,
        merging=await git.ref("MERGE_HEAD"),
        unfinished=unfinished,
        notes=_notes(added.stderr),
    )


async def difference(git: TreeGit, base: str, tip: str, work: str) -> tuple[int, int, int]:
    """Added lines, deleted lines and files of ``work`` since ``tip`` left ``base``."""
    found = await git.run("merge-base", base, tip, ok=None)
    start = found.text if found.returncode == 0 else base
    words = ("diff", "--shortstat", "--no-ext-diff", "--no-textconv", start, work)
    matched = _STAT.match((await git.run(*words, ok=None)).text.strip())
    files, additions, deletions = matched.groups() if matched else (None, None, None)
    return int(additions or 0), int(deletions or 0), int(files or 0)


async def _unfinished(git: TreeGit) -> str | None:
    """Why nothing may be committed on top now, in words; None when it may."""
    script = "test -d .git/rebase-merge || test -d .git/rebase-apply"
    if (await git.command(["sh", "-c", script])).returncode == 0:
        return "The agent left a rebase unfinished."
    if (await git.run("ls-files", "--unmerged", ok=None)).stdout:
        return "The agent left conflicts unresolved."
    if (await git.run("symbolic-ref", "--quiet", "HEAD", ok=None)).returncode != 0:
        return "The agent left HEAD detached from its branch."
    return None


def _notes(complaints: str) -> tuple[str, ...]:
    """What could not be saved whole, named."""
    notes = [
        f"The repository inside {path} is committed as a link only; the checkpoint has its files."
        for path in _EMBEDDED.findall(complaints)
    ]
    notes += [f"Not committed: {said}"[:500] for said in _UNSAVED.findall(complaints)]
    return tuple(notes[:NOTES_MAX])
