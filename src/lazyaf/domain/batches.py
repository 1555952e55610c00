"""How many approved cards are tried together.

One run for several cards is a gain as long as most of them are good. When it fails it says nothing of any one
card: half of those that can be at fault are tried next, until one is left, which is tried by itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Final

BATCH_MAX: Final = 8
"""Cards that one run tries at most. One that fails then costs three more runs until its card is alone."""


def batch_size(
    able: int,
    queue: Sequence[str],
    failed: Iterable[Sequence[str]],
    merged: Collection[str],
) -> int:
    """How many of the queue's approvals to try next; 1 is the first by itself.

    ``able`` of them could be tried together. ``failed`` are the approvals of the runs that did not pass and
    that the first was part of, the newest first. Those of them that are ``merged`` by now passed in a smaller
    run, so that the others are at fault; when one of the others has left the queue it was that one, as far as
    anyone knows.
    """
    for approvals in failed:
        suspects = [approval for approval in approvals if approval not in merged]
        if list(queue[: len(suspects)]) == suspects:
            return max(1, min(able, len(suspects) // 2))
    return able
