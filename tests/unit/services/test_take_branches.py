"""What a fetch brought, in a sentence."""

from __future__ import annotations

import pytest

from lazyaf.services.take_branches import NAMED, Taken


def taken(
    *,
    new: int = 0,
    moved: int = 0,
    forward: int = 0,
    kept: tuple[str, ...] = (),
    apart: tuple[int, int] | None = None,
) -> Taken:
    return Taken("shop", "main", new, moved, forward, kept, apart)


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (taken(), "Nothing new."),
        (taken(kept=("main",)), "Nothing came forward."),
        (taken(forward=1), "main was brought forward by 1 commit."),
        (
            taken(forward=3, moved=2, new=1),
            "main was brought forward by 3 commits, 2 other branches were brought forward, 1 branch is new.",
        ),
        (taken(moved=1, new=2), "1 branch was brought forward, 2 branches are new."),
    ],
)
def test_what_came(found: Taken, told: str) -> None:
    assert found.news == told


def test_what_was_left_is_named_and_for_the_default_branch_what_to_do() -> None:
    assert taken().left is None
    both = taken(kept=("main", "topic"), apart=(2, 1)).left or ""
    assert both.startswith(
        "main went its own way: it has 2 commits that the remote lacks, and lacks 1 of the remote's."
    )
    assert "`lazyaf land shop --branch main --merge`" in both
    assert both.endswith("belong to a card: topic.")
    assert (taken(kept=("main",)).left or "").endswith("a card: main.")  # protected, say
    many = taken(kept=tuple(f"b{n:02}" for n in range(NAMED + 1))).left or ""
    assert many.endswith("b09 ….")
