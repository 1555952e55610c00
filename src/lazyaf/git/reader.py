"""How this room reads a repository with pygit2: opened per call, in a thread, deaf to the machine.

libgit2 would otherwise read the configuration of whoever started the server. Also the bounded
cache for facts about two commits, which never change.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Generic, TypeVar

import pygit2
from pygit2.enums import ConfigLevel

for _level in (ConfigLevel.SYSTEM, ConfigLevel.XDG, ConfigLevel.GLOBAL):
    pygit2.settings.search_path[_level] = ""

V = TypeVar("V")


@contextmanager
def opened(path: Path) -> Iterator[pygit2.Repository]:
    """The bare repository at ``path``; its packs are unmapped at the end. Call from a thread."""
    repository = pygit2.Repository(str(path))
    try:
        yield repository
    finally:
        repository.free()


class PairCache(Generic[V]):
    """The last ``size`` answers to a question about two commits; safe between threads."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._answers: OrderedDict[tuple[str, str], V] = OrderedDict()

    def get(self, one: str, other: str) -> V | None:
        """The answer, if it is still known."""
        with self._lock:
            answer = self._answers.get((one, other))
            if answer is not None:
                self._answers.move_to_end((one, other))
            return answer

    def put(self, one: str, other: str, answer: V) -> V:
        """Keep the answer, and give it back."""
        with self._lock:
            self._answers[one, other] = answer
            if len(self._answers) > self._size:
                self._answers.popitem(last=False)
        return answer

    def compute(self, one: str, other: str, answer: Callable[[], V]) -> V:
        """The known answer, or the computed one."""
        known = self.get(one, other)
        return known if known is not None else self.put(one, other, answer())
