"""Puts the files of a save back, without the conversions that a checkout would make."""

from __future__ import annotations

import os
import subprocess
from typing import Any

from lazyaf.runner.walker.tree import Tree, parents_of


def restore(asked: dict[str, Any]) -> dict[str, Any]:
    """Make the files what a save holds, byte for byte; the tree stands at the save's first parent."""
    tree = Tree(asked["tree"])
    said = tree.git("diff-tree", "-r", "-z", "--raw", "--no-renames", "HEAD", asked["sha"])
    if said is None:
        raise OSError(f"the save {asked['sha']} cannot be read")
    words = said.split(b"\0")
    changes = list(zip(words[::2], words[1::2], strict=False))
    root = os.fsencode(tree.root)
    for facts, path in changes:
        if facts.split(b" ")[4] == b"D":
            _remove(os.path.join(root, path))
    reading = subprocess.Popen(
        ["git", "cat-file", "--batch"],
        cwd=tree.root,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    if reading.stdin is None or reading.stdout is None:
        raise OSError("git cat-file has no pipes")
    for facts, path in changes:
        _, mode, _, sha, kind = facts.split(b" ")
        if kind == b"D" or mode == b"160000":
            continue
        reading.stdin.write(sha + b"\n")
        reading.stdin.flush()
        size = int(reading.stdout.readline().split()[2])
        _put(root, path, mode, reading.stdout.read(size))
        reading.stdout.read(1)
    reading.stdin.close()
    reading.wait()
    return {"paths": len(changes)}


def _put(root: bytes, path: bytes, mode: bytes, data: bytes) -> None:
    full = os.path.join(root, path)
    for parent in parents_of(path):
        place = os.path.join(root, parent)
        if os.path.lexists(place) and (os.path.islink(place) or not os.path.isdir(place)):
            os.unlink(place)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    _remove(full)
    if mode == b"120000":
        os.symlink(data, full)
        return
    with open(full, "wb") as file:
        file.write(data)
    os.chmod(full, 0o755 if mode == b"100755" else 0o644)


def _remove(full: bytes) -> None:
    if os.path.isdir(full) and not os.path.islink(full):
        for folder, names, files in os.walk(full, topdown=False):
            for name in files:
                os.unlink(os.path.join(folder, name))
            for name in names:
                place = os.path.join(folder, name)
                (os.unlink if os.path.islink(place) else os.rmdir)(place)
        os.rmdir(full)
    elif os.path.lexists(full):
        os.unlink(full)
