"""Waiting for something to become true, with an end to the patience. The only place that polls."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

T = TypeVar("T")

PATIENCE_S: Final = 30.0
INTERVAL_S: Final = 0.02


def until(
    probe: Callable[[], T],
    what: str,
    *,
    seconds: float = PATIENCE_S,
    every: float = INTERVAL_S,
) -> T:
    """The first true answer of ``probe``; after ``seconds`` an `AssertionError` that says ``what``.
    ``every`` is longer where asking costs what is asked something."""
    deadline = time.monotonic() + seconds
    while True:
        answer = probe()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"Waited {seconds:g} s in vain until {what}; last: {answer!r}")
        time.sleep(every)
