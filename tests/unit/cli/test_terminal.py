"""Text of agents must not command the terminal that shows it."""

from __future__ import annotations

import pytest

from lazyaf.cli.terminal import one_line, plain, plural, size


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]52;c;c2VjcmV0\x1b\\text", "text"),
        ("\x1bcreset", "reset"),
        ("over\rwritten", "overwritten"),
        ("\x9b31mred", "31mred"),
        ("a\u202eb\u2066c", "abc"),
        ("bell\x07 back\x08 null\x00", "bell back null"),
        ("kept\ttab\nline\r\nline", "kept\ttab\nline\nline"),
        ("ünï¢ødé 🙂", "ünï¢ødé 🙂"),
    ],
)
def test_nothing_remains_that_a_terminal_obeys(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_one_line_is_one_line() -> None:
    assert one_line(" a\n\tb\x1b[2J ") == "a b"


def test_plurals() -> None:
    assert (plural(1, "file"), plural(0, "file")) == ("1 file", "0 files")


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1_000, "1 kB"),
        (999_499, "999 kB"),
        (999_500, "1 MB"),
        (12_345_678, "12.3 MB"),
        (5_000_000_000_000_000, "5,000 TB"),
    ],
)
def test_sizes(count: int, said: str) -> None:
    assert size(count) == said
