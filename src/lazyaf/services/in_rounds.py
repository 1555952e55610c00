"""Answers for those who wait for the writer together, where no two in one round may be about the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def in_rounds(
    asks: Sequence[T],
    subjects: Callable[[T], Set[str]],
    serve: Callable[[Sequence[T]], Sequence[R]],
) -> list[R]:
    """What ``serve`` answers each, in their order. It is given them in rounds, the first of each subject in
    the first: who asks about the same as another comes after it, and sees what came of that."""
    answers: dict[int, R] = {}
    left = list(range(len(asks)))
    while left:
        here = _told_apart([subjects(asks[n]) for n in left], left)
        answers.update(zip(here, serve([asks[n] for n in here]), strict=True))
        left = [n for n in left if n not in answers]
    return [answers[n] for n in range(len(asks))]


def _told_apart(subjects: Sequence[Set[str]], numbers: Sequence[int]) -> list[int]:
    """Those before whom nobody is about the same."""
    seen: set[str] = set()
    here = []
    for own, number in zip(subjects, numbers, strict=True):
        if not own & seen:
            here.append(number)
        seen |= own
    return here
