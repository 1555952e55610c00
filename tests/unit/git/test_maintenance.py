"""What upkeep does is decided by what it found."""

from dataclasses import replace

import pytest

from lazyaf.git.condition import Condition
from lazyaf.git.maintenance import KEEP_UNREACHABLE_S, is_prunable, plan

TIDY = Condition(
    packs=1,
    loose_objects=0,
    loose_refs=0,
    packed=10_000_000,
    outside=0,
    oldest_cruft=None,
    has_commit_graph=True,
)


@pytest.mark.parametrize(
    ("found", "steps"),
    [
        (TIDY, ()),
        (replace(TIDY, outside=2_000_000, packs=5, loose_objects=100, loose_refs=20), ()),
        (replace(TIDY, outside=3_000_000), ("repack", "commit-graph")),
        (replace(TIDY, packed=0, outside=400_000), ("repack", "commit-graph")),
        (replace(TIDY, packed=0, outside=100_000), ()),
        (replace(TIDY, packs=11), ("gather", "commit-graph")),
        (replace(TIDY, loose_objects=301), ("gather", "commit-graph")),
        (replace(TIDY, loose_refs=51), ("pack-refs", "commit-graph")),
        (replace(TIDY, has_commit_graph=False), ("commit-graph",)),
    ],
)
def test_only_what_is_worth_it_is_done(found: Condition, steps: tuple[str, ...]) -> None:
    assert plan(found) == steps


def test_only_what_is_old_enough_is_pruned() -> None:
    now = 2_000_000_000.0
    old = int(now - KEEP_UNREACHABLE_S)
    assert not is_prunable(TIDY, now)
    assert not is_prunable(replace(TIDY, oldest_cruft=old), now)
    assert is_prunable(replace(TIDY, oldest_cruft=old - 1), now)
