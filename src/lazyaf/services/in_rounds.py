"""Answers for those who wait for the writer together, where no two in one round may be about the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Set
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def in_rounds(
    asks: Sequence[T],
    subjects: Callable[[T], Set[str]],
    serve: Callable[[Sequence[T]], Sequence[R]],
) -> list[R]:
    """What ``serve`` answers each, in their order. It is given them in rounds: who asks about the same as
    another begins a new one, and so sees what came of that."""
    answers: list[R] = []
    for here in _rounds(asks, subjects):
        answers += serve(here)
    return answers


def _rounds(asks: Sequence[T], subjects: Callable[[T], Set[str]]) -> Iterator[list[T]]:
    here: list[T] = []
    seen: set[str] = set()
    for ask in asks:
        own = subjects(ask)
        if own & seen:
            yield here
            here, seen = [], set()
        here.append(ask)
        seen |= own
    if here:
        yield here
