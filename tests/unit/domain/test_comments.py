"""What an agent says about the comments of a review, found in its words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lazyaf.domain.comments import ANSWER_MAX, CommentState, answers_in, place_of, state_of


def test_a_line_for_each_comment() -> None:
    said = "Done, all tests pass.\n\n[#1] Used a set.\n[#12] Left it: the order matters.\n\nBye"
    assert answers_in(said) == {1: "Used a set.", 12: "Left it: the order matters."}


@pytest.mark.parametrize(
    "line",
    [
        "[#3] Renamed it.",
        "  [#3]: Renamed it.",
        "- [#3] Renamed it.",
        "* **[#3]** Renamed it.",
        "**[#3]:** Renamed it.",
        "> [#3] \N{EN DASH} Renamed it.",
        "1. [#3] Renamed it.",
        "`[#3]` Renamed it.",
        "[ #3 ] - Renamed it.",
        "[#3]\n\n   Renamed it.",
        "[#3]\r\nRenamed it.\r\n",
        "[#3] Renaming it.\n[#3] Renamed it.",
    ],
)
def test_what_agents_put_around_it(line: str) -> None:
    assert answers_in(line) == {3: "Renamed it."}


def test_one_answer_to_several_comments() -> None:
    assert answers_in("[#1], [#2] and [#4] Moved.") == {1: "Moved.", 2: "Moved.", 4: "Moved."}


@pytest.mark.parametrize(
    "text",
    ["", "#3 Renamed it.", "[3] A footnote.", "As [#3] says, renamed.", "[#3]", "[#3]\n\n", "# 3"],
)
def test_what_is_no_answer(text: str) -> None:
    assert answers_in(text) == {}


def test_an_answer_without_words_does_not_take_the_next_ones() -> None:
    assert answers_in("[#1]\n[#2] Yes.") == {2: "Yes."}


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    for number, said in answers_in(text).items():
        assert number >= 0
        assert said
        assert len(said) <= ANSWER_MAX
        assert said in text


@pytest.mark.timeout(10)
@pytest.mark.parametrize("part", [" ", "\t", "- ", "[#1]", "[#1] ", "*", "and", "1. ", "[ #"])
def test_a_long_line_costs_no_more_than_its_length(part: str) -> None:
    answers_in(f"[#1] {part * 100_000}x")
    answers_in(f"{part * 100_000}x")


Words = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=30)


@given(st.dictionaries(st.integers(1, 999_999), Words, max_size=8), Words, st.sampled_from("-*+>"))
def test_whatever_is_said_as_asked_is_found(said: dict[int, str], prose: str, mark: str) -> None:
    lines = [f"{mark} [#{number}] {words}" for number, words in said.items()]
    assert answers_in("\n".join([prose, "", *lines])) == said


def test_the_state_that_is_shown() -> None:
    def shown(resolved: bool, answered: bool, outdated: bool) -> CommentState:
        return state_of(is_resolved=resolved, is_answered=answered, is_outdated=outdated)

    assert shown(True, True, True) is CommentState.RESOLVED
    assert shown(False, True, True) is CommentState.ANSWERED
    assert shown(False, False, True) is CommentState.OUTDATED
    assert shown(False, False, False) is CommentState.OPEN


def test_a_place_in_words() -> None:
    assert place_of("a.py", None, None) == "a.py"
    assert place_of("a.py", None, 7) == place_of("a.py", 7, 7) == "a.py:7"
    assert place_of("a.py", 5, 7) == "a.py:5-7"
