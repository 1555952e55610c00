"""Every status and command of a card, drops, slugs, branches and positions."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lazyaf.domain import cards
from lazyaf.domain.cards import CardCommand as C
from lazyaf.domain.cards import CardStatus as S
from lazyaf.domain.errors import IllegalTransition

# The table of domain.md, written out a second time on purpose.
LEGAL = {
    (S.TODO, C.START): S.IN_PROGRESS,
    (S.FAILED, C.START): S.IN_PROGRESS,
    (S.FAILED, C.RETRY): S.IN_PROGRESS,
    (S.IN_PROGRESS, C.JOB_FINISHED): S.IN_REVIEW,
    (S.IN_PROGRESS, C.JOB_FAILED): S.FAILED,
    (S.IN_PROGRESS, C.CANCEL): S.IN_PROGRESS,
    (S.IN_PROGRESS, C.JOB_CANCELLED): S.TODO,
    (S.IN_REVIEW, C.REQUEST_CHANGES): S.IN_PROGRESS,
    (S.IN_REVIEW, C.APPROVE): S.DONE,
    (S.IN_REVIEW, C.REJECT): S.TODO,
    (S.IN_REVIEW, C.UPDATE_BRANCH): S.IN_REVIEW,
    (S.IN_REVIEW, C.CLOSE): S.DONE,
    (S.TODO, C.WITHDRAW): S.DONE,
    (S.FAILED, C.REJECT): S.TODO,
    (S.DONE, C.REOPEN): S.TODO,
    (S.DONE, C.ARCHIVE): S.DONE,
    (S.DONE, C.UNARCHIVE): S.DONE,
}
PERSONAL = set(C) - {C.JOB_FINISHED, C.JOB_FAILED, C.JOB_CANCELLED, C.WITHDRAW}


@pytest.mark.parametrize(("status", "command"), list(itertools.product(S, C)))
def test_each_command_leads_where_the_table_says(status: S, command: C) -> None:
    if (status, command) in LEGAL:
        assert cards.apply(status, command) is LEGAL[status, command]
        return
    with pytest.raises(IllegalTransition) as refused:
        cards.apply(status, command)
    possible = sorted(c.value for (s, c) in LEGAL if s is status and c in PERSONAL)
    assert refused.value.status == 409
    assert refused.value.extra == {"allowed": possible}
    assert all(word in refused.value.detail for word in possible)


@pytest.mark.parametrize(("source", "target"), list(itertools.product(S, S)))
def test_a_drop_is_a_legal_command_or_says_why_not(source: S, target: S) -> None:
    if source is target:
        assert cards.command_for_drop(source, target) is None
    elif (source, target) in cards.DROPS:
        command = cards.command_for_drop(source, target)
        assert command is cards.DROPS[source, target]
        # A cancelled card follows only when its job is over.
        assert cards.apply(source, command) is (source if command is C.CANCEL else target)
    else:
        with pytest.raises(IllegalTransition) as refused:
            cards.command_for_drop(source, target)
        assert refused.value.extra["allowed"] == cards.allowed_commands(source)


def test_nothing_is_dropped_on_done_because_approving_needs_the_commit_that_was_seen() -> None:
    for source in set(S) - {S.DONE}:
        with pytest.raises(IllegalTransition):
            cards.command_for_drop(source, S.DONE)
    with pytest.raises(IllegalTransition, match="Open the review"):
        cards.command_for_drop(S.IN_REVIEW, S.DONE)


def test_only_a_job_moves_a_card_into_review_or_failed() -> None:
    moves = ((s, c, t) for (s, c), t in cards.TRANSITIONS.items() if s is not t)
    ways = {(c, t) for _, c, t in moves if t in {S.IN_REVIEW, S.FAILED}}
    assert ways == {(C.JOB_FINISHED, S.IN_REVIEW), (C.JOB_FAILED, S.FAILED)}


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Fix the login", "fix-the-login"),
        ("  Ümläute & Ähnliches  ", "umlaute-ahnliches"),
        ("日本語", "card"),
        ("...", "card"),
        ("a" * 60, "a" * 40),
        (
            "one two three four five six seven eight nine ten",
            "one-two-three-four-five-six-seven-eight",
        ),
    ],
)
def test_a_slug(title: str, expected: str) -> None:
    assert cards.slug(title) == expected


@settings(deadline=None)
@given(st.text(max_size=300), st.integers(min_value=1, max_value=80))
def test_a_slug_is_always_fit_for_a_branch(title: str, limit: int) -> None:
    slug = cards.slug(title, limit=limit)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug)
    assert len(slug) <= max(limit, len("card"))


def test_a_branch_bears_the_number() -> None:
    assert cards.branch_name("lazyaf", 12, "Fix the login!") == "lazyaf/12-fix-the-login"


places = st.floats(min_value=-1e9, max_value=1e9)


@settings(deadline=None)
@given(places, places)
def test_a_position_lies_between_or_there_is_no_room(one: float, other: float) -> None:
    before, after = sorted((one, other))
    found = cards.position_between(before, after)
    if found is None:
        assert after - before < cards.POSITION_MIN_GAP
    else:
        assert before < found < after


@settings(deadline=None)
@given(places)
def test_a_position_at_an_end_is_beyond_it(place: float) -> None:
    above, below = cards.position_between(None, place), cards.position_between(place, None)
    assert above is not None
    assert below is not None
    assert above < place < below


def test_neighbours_the_wrong_way_round_leave_no_room() -> None:
    assert cards.position_between(2.0, 1.0) is None
    assert cards.position_between(None, None) == 0.0
