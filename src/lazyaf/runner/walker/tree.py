"""The work tree, and what git says about it."""

from __future__ import annotations

import os
import subprocess

Entry = tuple[str, str]
"""Mode and object id, as git has them."""


class Tree:
    """The work tree and what git says about it."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.nested: set[str] = set()
        """Repositories inside, known once `paths` was asked."""

    def git(self, *args: str, cwd: str | None = None) -> bytes | None:
        """What ``git <args>`` printed; None when it failed."""
        done = subprocess.run(
            ["git", *args], cwd=cwd or self.root, capture_output=True, check=False
        )
        return done.stdout if done.returncode == 0 else None

    def word(self, *args: str) -> str | None:
        """One line that it printed."""
        said = self.git(*args)
        return said.decode("utf-8", "replace").strip() or None if said is not None else None

    def commit(self, name: str) -> str | None:
        """The commit that a name stands for."""
        return self.word("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")

    def entries(self, commit: str) -> dict[bytes, Entry]:
        """Every path of a commit."""
        found: dict[bytes, Entry] = {}
        for line in (self.git("ls-tree", "-r", "-z", commit) or b"").split(b"\0"):
            facts, _, path = line.partition(b"\t")
            if path:
                mode, _, sha = facts.decode().split(" ")
                found[path] = mode, sha
        return found

    def paths(self, below: bytes = b"") -> set[bytes]:
        """What may be saved of the repository at ``below``: tracked and untracked, not ignored."""
        cwd = os.path.join(os.fsencode(self.root), below)
        said = self.git(
            "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=os.fsdecode(cwd)
        )
        if said is None or not os.path.lexists(os.path.join(cwd, b".git")):
            # No repository, or a broken one: everything that is there.
            return {below + path for path in everything(cwd)}
        found: set[bytes] = set()
        for path in said.split(b"\0"):
            whole = below + path.rstrip(b"/")
            full = os.path.join(os.fsencode(self.root), whole)
            if not path:
                continue
            if os.path.isdir(full) and not os.path.islink(full):
                # A repository inside: git names only its directory.
                self.nested.add(os.fsdecode(whole))
                found |= self.paths(whole + b"/")
            else:
                found.add(whole)
        return found


def everything(directory: bytes) -> set[bytes]:
    """Every file below a directory, relative to it, ``.git`` left out."""
    found: set[bytes] = set()
    for folder, names, files in os.walk(directory):
        inside = os.path.relpath(folder, directory)
        prefix = b"" if inside == b"." else inside + b"/"
        links = [name for name in names if os.path.islink(os.path.join(folder, name))]
        found |= {prefix + name for name in (*files, *links) if name != b".git"}
        names[:] = [name for name in names if name != b".git" and name not in links]
    return found


def is_refused(path: bytes) -> bool:
    """Whether git's own checks would refuse a tree with this path, and with it the whole push."""
    for part in path.split(b"/"):
        plain = part.decode("utf-8", "ignore").translate(_IGNORED).lower().rstrip(". ")
        if plain in (".git", "git~1", "", ".", "..") or plain.startswith(".git:"):
            return True
    return False


_IGNORED = dict.fromkeys(
    [*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF]
)
"""Characters that HFS+ ignores, so that git takes ``.g\\u200cit`` for ``.git``."""


def parents_of(path: bytes) -> list[bytes]:
    """Every directory that it lies in, the outermost first."""
    parts = path.split(b"/")
    return [b"/".join(parts[:end]) for end in range(1, len(parts))]
