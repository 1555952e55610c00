"""What a suggestion makes of a file, byte for byte."""

from __future__ import annotations

import pytest

from lazyaf.domain.errors import Invalid
from lazyaf.domain.suggestions import Suggestion, applied, message_of


def at(start: int, end: int, text: str) -> Suggestion:
    return Suggestion("a.py", start, end, text)


@pytest.mark.parametrize(
    ("before", "suggestion", "after"),
    [
        (b"one\ntwo\nthree\n", at(2, 2, "2\n"), b"one\n2\nthree\n"),
        (b"one\ntwo\nthree\n", at(1, 2, "1\n1.5\n2"), b"1\n1.5\n2\nthree\n"),
        (b"one\ntwo\nthree\n", at(2, 2, ""), b"one\nthree\n"),
        (b"one\ntwo\nthree\n", at(2, 2, "\n"), b"one\n\nthree\n"),
        (b"one\ntwo", at(2, 2, "2\n"), b"one\n2"),
        (b"one\ntwo", at(2, 2, ""), b"one"),
        (b"one\r\ntwo\r\n", at(1, 1, "1\na\n"), b"1\r\na\r\ntwo\r\n"),
        (b"one\n", at(1, 1, "1\r\n"), b"1\n"),
        (b"one\n", at(1, 1, ""), b""),
        (b"gr\xfcn\nblau\n", at(2, 2, "blåu\n"), b"gr\xfcn\nbl\xc3\xa5u\n"),
    ],
)
def test_lines_are_replaced_and_nothing_else(
    before: bytes, suggestion: Suggestion, after: bytes
) -> None:
    assert applied(before, [suggestion]) == after


def test_several_of_a_file_are_counted_in_what_was_there() -> None:
    both = [at(1, 1, "1\n1\n1\n"), at(3, 3, "")]
    assert applied(b"one\ntwo\nthree\n", both) == b"1\n1\n1\ntwo\n"


@pytest.mark.parametrize("wrong", [at(3, 3, "x"), at(0, 1, "x"), at(2, 1, "x")])
def test_lines_that_are_not_there_are_refused(wrong: Suggestion) -> None:
    with pytest.raises(Invalid):
        applied(b"one\ntwo\n", [wrong])


def test_two_about_the_same_line_are_refused() -> None:
    with pytest.raises(Invalid, match="Apply one of them"):
        applied(b"one\ntwo\nthree\n", [at(1, 2, "x"), at(2, 3, "y")])


def test_the_commit_says_what_it_is() -> None:
    assert message_of([at(1, 1, "x")]) == "Apply a suggestion to a.py\n"
    assert message_of([at(1, 1, "x"), at(2, 2, "x")]) == "Apply 2 suggestions to a.py\n"
    other = Suggestion("b.py", 1, 1, "x")
    assert message_of([at(1, 1, "x"), other]) == "Apply 2 suggestions of the review\n"
