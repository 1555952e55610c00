"""The state of the agent's repository beyond its files: where it stands, and what else is in it."""

from __future__ import annotations

import os
from pathlib import Path

from lazyaf.runner.walker.tree import Tree

NAMED = 20
"""Paths that a note names at most."""


def tip_of(tree: Tree, head: str | None, branch: str) -> tuple[str | None, str | None]:
    """Where the card's branch may stand now, and why nothing may be committed on top."""
    unfinished = None
    if any(Path(tree.root, ".git", name).is_dir() for name in ("rebase-merge", "rebase-apply")):
        unfinished = "The agent left a rebase unfinished."
    elif tree.git("ls-files", "--unmerged"):
        unfinished = "The agent left conflicts unresolved."
    elif tree.git("symbolic-ref", "--quiet", "HEAD") is None:
        unfinished = "The agent left HEAD detached from its branch."
    if unfinished is None:
        return head, None
    return tree.commit(f"refs/heads/{branch}") or head, unfinished


def others_of(tree: Tree, head: str | None) -> list[str]:
    """Commits of every local branch and stash entry: in a rebase HEAD alone would lose most."""
    said = tree.git("for-each-ref", "--count=50", "--format=%(objectname)", "refs/heads") or b""
    stashed = tree.git("reflog", "show", "--format=%H", "-n", "50", "refs/stash") or b""
    found = dict.fromkeys((said + b"\n" + stashed).decode("ascii", "ignore").split())
    return [sha for sha in found if sha != head and tree.commit(sha) == sha]


def has_more(tree: Tree, others: list[str], head: str) -> bool:
    """Whether a branch or a stash holds what HEAD does not."""
    counted = tree.word("rev-list", "--count", *others, "--not", head) if others else "0"
    return counted != "0"


def message_of(tree: Tree, head: str | None) -> bytes:
    """What a later look wants to know of the repository's state (rule R10)."""
    lines = [f"HEAD: {tree.word('symbolic-ref', '--quiet', 'HEAD') or 'detached'} {head}"]
    for name in ("rebase-merge", "rebase-apply"):
        for part in ("head-name", "onto", "orig-head", "git-rebase-todo"):
            try:
                text = Path(tree.root, ".git", name, part).read_text("utf-8", "replace")
            except OSError:
                continue
            lines.append(f"{name}/{part}: {text.strip()[:2000]}")
    for inside in sorted(tree.nested)[:NAMED]:
        said = tree.git("for-each-ref", "--count=50", cwd=os.path.join(tree.root, inside))
        refs = (said or b"").decode("utf-8", "replace").strip()
        lines.append(f"repository inside {inside}:\n{refs}")
    return ("Checkpoint\n\n" + "\n".join(lines) + "\n").encode("utf-8", "replace")


def notes_of(unsaved: dict[str, list[str]]) -> list[str]:
    return [f"Not saved, because {why}: {_listed(paths)}" for why, paths in unsaved.items()]


IGNORED = "Not saved, because they are ignored:"


def ignored_in(tree: Tree) -> list[str]:
    said = tree.git("ls-files", "-z", "-o", "-i", "--exclude-standard", "--directory") or b""
    paths = [os.fsdecode(path) for path in said.split(b"\0") if path]
    return [f"{IGNORED} {_listed(paths)}"] if paths else []


def _listed(paths: list[str]) -> str:
    shown = ", ".join(path.encode("utf-8", "replace").decode() for path in paths[:NAMED])
    return shown if len(paths) <= NAMED else f"{shown} and {len(paths) - NAMED:,} more"
