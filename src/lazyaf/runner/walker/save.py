"""Makes one save: a commit in the store whose tree is the files and whose parents are the work."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import Any

from lazyaf.runner.walker.history import (
    has_more,
    ignored_in,
    message_of,
    notes_of,
    others_of,
    tip_of,
)
from lazyaf.runner.walker.known import Known
from lazyaf.runner.walker.saver import Saver
from lazyaf.runner.walker.tree import Tree

REF = "refs/lazyaf/save"


def save(asked: dict[str, Any]) -> dict[str, Any]:
    """Save the tree; see `saves.Saved` for the answer."""
    tree, store = Tree(asked["tree"]), Path(asked["store"])
    if (store / "repo" / "HEAD").exists():
        _lend(tree, store, asked["lent"])  # the tree may have been moved since
    head = tree.commit("HEAD")
    tip, unfinished = tip_of(tree, head, asked["branch"])
    others = others_of(tree, head)
    known = Known(store / "known.json")
    if not (store / "repo" / "HEAD").exists():
        _make_store(tree, store, asked["lent"])
        known.stored = set()
    saver = Saver(tree, known, _algorithm(tree), is_final=asked["final"])
    last = _last(store)
    # Without a repository there is nothing to differ from: the save is all the files, and a root.
    parents = [] if head is None else [head, *others]
    message = message_of(tree, head)
    changed = _import(store, parents, message, asked["identity"], saver)
    known.save()
    if last is not None and _facts(store, last) == _facts(store, REF):
        Tree(str(store / "repo")).git("update-ref", REF, last)  # nothing new: the same save again
    kept = changed > 0 or head is None or has_more(tree, others, head)
    return {
        "head": head,
        "tip": tip,
        "sha": _last(store) if kept else None,
        "unfinished": unfinished,
        "notes": [*notes_of(saver.unsaved), *ignored_in(tree)],
    }


def _make_store(tree: Tree, store: Path, lent: list[str]) -> None:
    """A bare directory that sees the tree's objects and those it borrows."""
    form = tree.word("rev-parse", "--show-object-format") or "sha1"
    subprocess.run(
        ["git", "init", "-q", "--bare", "--template=", f"--object-format={form}", "repo"],
        cwd=store,
        capture_output=True,
        check=True,
    )
    _lend(tree, store, lent)


def _lend(tree: Tree, store: Path, lent: list[str]) -> None:
    places = [os.path.join(tree.root, ".git", "objects"), *lent]
    (store / "repo" / "objects" / "info").mkdir(exist_ok=True)
    (store / "repo" / "objects" / "info" / "alternates").write_text("\n".join(places) + "\n")


def _algorithm(tree: Tree) -> str:
    return tree.word("rev-parse", "--show-object-format") or "sha1"


def _facts(store: Path, commit: str) -> str | None:
    """What tells one save from another: files, parents and what is said of the repository."""
    return Tree(str(store / "repo")).word("show", "-s", "--format=%T %P %B", commit)


def _last(store: Path) -> str | None:
    """The last save of this store."""
    return Tree(str(store / "repo")).commit(REF)


def _import(
    store: Path,
    parents: list[str],
    message: bytes,
    identity: list[str],
    saver: Saver,
) -> int:
    """Write one commit into the store; how many paths differ from its first parent."""
    within = Tree(str(store / "repo"))
    importing = subprocess.Popen(
        ["git", "fast-import", "--quiet", "--force", "--done"],
        cwd=store / "repo",
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    if importing.stdin is None or importing.stderr is None:
        raise OSError("git fast-import has no pipes")
    name, email = identity
    head = f"commit {REF}\ncommitter {name} <{email}> {int(time.time())} +0000\n"
    try:
        importing.stdin.write(head.encode() + b"data %d\n" % len(message) + message + b"\n")
        for word, sha in zip(["from", *["merge"] * 50], parents, strict=False):
            importing.stdin.write(f"{word} {sha}\n".encode())
        changed = saver.write(within.entries(parents[0]) if parents else {}, importing.stdin)
        importing.stdin.write(b"\ndone\n")
        importing.stdin.close()
    except BrokenPipeError:
        changed = 0
    said = importing.stderr.read()
    if importing.wait() != 0:
        raise OSError(said.decode("utf-8", "replace")[-2000:])
    return changed
