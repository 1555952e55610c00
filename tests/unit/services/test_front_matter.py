"""Front matter: YAML between dashes, as text alone; and whatever stands there, the body is kept."""

from __future__ import annotations

import pytest

from lazyaf.services.front_matter import BYTES_MAX, FrontMatter, read_front_matter


def test_keys_and_body() -> None:
    text = """---
name: Bug report   # said in the menu
title: "Fix: "
labels: [bug, 'needs test']
blocked: no
steps:
  - one
---

Text
"""
    assert read_front_matter(text) == FrontMatter(
        "\n\nText\n",
        {
            "name": "Bug report",
            "title": "Fix: ",
            "labels": ["bug", "needs test"],
            "blocked": "no",
            "steps": ["one"],
        },
    )


@pytest.mark.parametrize("text", ["", "# Tidy\n---\nmore\n", " ---\na: b\n---\n"])
def test_without_dashes_at_its_beginning_a_file_is_all_body(text: str) -> None:
    assert read_front_matter(text) == FrontMatter(text)


def test_nothing_between_the_dashes_is_no_problem() -> None:
    assert read_front_matter("---\n# later\n---\nText") == FrontMatter("\nText")


def test_dashes_that_do_not_end_are_text() -> None:
    found = read_front_matter("---\nname: A\nText")
    assert found == FrontMatter(
        "---\nname: A\nText", problem="The lines after --- do not end with ---."
    )


@pytest.mark.parametrize(
    ("head", "problem"),
    [
        ("a: b\ntitle: Fix: it", "Line 3 is no YAML: mapping values are not allowed here."),
        ("- a\n- b", "Between the --- stand lines of `key: value`."),
        ("a: !!python/object:os.system b", None),
        ("\x07: a", "What stands between the --- is no YAML."),
        ("[" * 5000, "What stands between the --- is no YAML."),
        ("a: " + "b" * BYTES_MAX, "There are more than 8192 bytes between the ---."),
    ],
)
def test_what_is_no_front_matter_is_told_and_the_body_stays(head: str, problem: str | None) -> None:
    found = read_front_matter(f"---\n{head}\n---\nText")
    assert (found.problem, found.body) == (problem, "\nText")
    assert found.values == ({} if problem else {"a": "b"})


def test_windows_line_ends_and_a_byte_order_mark_are_no_matter() -> None:
    found = read_front_matter("\ufeff---\r\nname: A\r\n---\r\nText\r\n")
    assert found == FrontMatter("\nText\n", {"name": "A"})
