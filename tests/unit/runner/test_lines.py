"""Lines out of a stream that is cut anywhere."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lazyaf.runner.lines import LineSplitter


@given(st.text(), st.integers(1, 7))
def test_any_cut_gives_the_same_lines(text: str, size: int) -> None:
    raw = text.encode("utf-8", "replace")
    splitter = LineSplitter()
    lines = [line for at in range(0, len(raw), size) for line in splitter.feed(raw[at : at + size])]
    lines += splitter.end()
    expected = raw.decode().split("\n")
    if expected[-1] == "":
        expected.pop()

    assert lines == [line.removesuffix("\r") for line in expected]


def test_a_line_without_an_end_is_bounded_and_says_so() -> None:
    splitter = LineSplitter(limit=10)
    for _ in range(1000):
        assert splitter.feed(b"x" * 1000) == []

    assert splitter.feed(b"\nnext\n") == [
        "x" * 10 + " … (the rest of this line was dropped)",
        "next",
    ]


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert LineSplitter().feed(b"a\xff\xfeb\n") == ["a\ufffd\ufffdb"]
