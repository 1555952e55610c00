"""Streams the differences between a commit and the files to ``git fast-import``."""

from __future__ import annotations

import hashlib
import os
import stat
from typing import IO

from lazyaf.runner.walker.known import Known
from lazyaf.runner.walker.tree import Entry, Tree, is_refused, parents_of

BIG = 16 * 1024 * 1024
"""Bytes of an untracked file that is saved only at the end."""


class Saver:
    """Streams what differs from a commit to fast-import; ``unsaved`` names the rest, by reason."""

    def __init__(self, tree: Tree, known: Known, algorithm: str, *, is_final: bool) -> None:
        self._tree = tree
        self._known = known
        self._algorithm = algorithm
        self._is_final = is_final
        self._links: dict[bytes, bool] = {}
        self.unsaved: dict[str, list[str]] = {}

    def write(self, base: dict[bytes, Entry], out: IO[bytes]) -> int:
        """Write every difference from ``base``; how many paths that was."""
        links = {path for path, (mode, _) in base.items() if mode == "160000"}
        present = self._present(self._tree.paths() | (base.keys() - links), base)
        covered = {parent for path in present for parent in parents_of(path)} & links
        gone = [p for p in base if p not in present and (p not in links or p in covered)]
        gone = [path for path in gone if not self._exists(path)]
        for path in gone:
            out.write(b"D " + _quoted(path) + b"\n")
        return len(gone) + sum(self._write_one(p, f, base, out) for p, f in present.items())

    def _present(self, paths: set[bytes], base: dict[bytes, Entry]) -> dict[bytes, os.stat_result]:
        """The files and links among these paths that can and should be saved."""
        found: dict[bytes, os.stat_result] = {}
        for path in sorted(paths):
            try:
                facts = os.lstat(self._full(path))
            except OSError:
                continue
            if any(self._is_link(parent) for parent in parents_of(path)):
                continue  # what the link leads to is somewhere else
            if is_refused(path):
                self._leave("git refuses their names", path)
            elif stat.S_ISDIR(facts.st_mode):
                continue
            elif not (stat.S_ISREG(facts.st_mode) or stat.S_ISLNK(facts.st_mode)):
                self._leave("they are no files", path)
            elif facts.st_size > BIG and path not in base and not self._is_final:
                self._leave("they are large and come at the end", path)
            else:
                found[path] = facts
        return found

    def _write_one(
        self, path: bytes, facts: os.stat_result, base: dict[bytes, Entry], out: IO[bytes]
    ) -> int:
        """Write one path if it differs; 1 if it did."""
        mode = _mode(facts)
        known = self._known.find(path, facts)
        if known is not None and base.get(path) == (mode, known):
            return 0
        if known is not None and known in self._known.stored:
            out.write(f"M {mode} {known} ".encode() + _quoted(path) + b"\n")
            return 1
        try:
            data = self._read(path, facts)
        except OSError:
            self._leave("they cannot be read", path)
            return 0
        sha = hashlib.new(self._algorithm, b"blob %d\0" % len(data) + data).hexdigest()
        self._known.note(path, facts, sha)
        if base.get(path) == (mode, sha):
            return 0
        out.write(f"M {mode} inline ".encode() + _quoted(path) + b"\n")
        out.write(b"data %d\n" % len(data) + data + b"\n")
        self._known.stored.add(sha)
        return 1

    def _read(self, path: bytes, facts: os.stat_result) -> bytes:
        if stat.S_ISLNK(facts.st_mode):
            return os.readlink(self._full(path))
        descriptor = os.open(self._full(path), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with open(descriptor, "rb") as file:
            return file.read()

    def _is_link(self, directory: bytes) -> bool:
        found = self._links.get(directory)
        if found is None:
            found = self._links[directory] = os.path.islink(self._full(directory))
        return found

    def _exists(self, path: bytes) -> bool:
        """Whether it is there but was left out: then the store keeps what HEAD has."""
        try:
            is_directory = stat.S_ISDIR(os.lstat(self._full(path)).st_mode)
        except OSError:
            return False
        return not is_directory and not any(self._is_link(p) for p in parents_of(path))

    def _leave(self, reason: str, path: bytes) -> None:
        self.unsaved.setdefault(reason, []).append(os.fsdecode(path))

    def _full(self, path: bytes) -> bytes:
        return os.path.join(os.fsencode(self._tree.root), path)


def _mode(facts: os.stat_result) -> str:
    if stat.S_ISLNK(facts.st_mode):
        return "120000"
    return "100755" if facts.st_mode & stat.S_IXUSR else "100644"


def _quoted(path: bytes) -> bytes:
    escaped = path.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
    return b'"' + escaped + b'"'
