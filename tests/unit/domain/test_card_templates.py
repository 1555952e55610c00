"""Card templates: front matter as forges have it for issues, and what is wrong in one is told, not fatal."""

from __future__ import annotations

import pytest

from lazyaf.domain.card_templates import CardTemplate, parse_template

WHOLE = """---
name: Bug report
about: Something does not work   # said in the menu
title: "Fix: "
labels: [bug, 'needs test']
assignees: ada
priority: High
agent: claude
model: opus
base: develop
---

## What happens

It breaks.
"""


def test_everything_that_a_template_can_say() -> None:
    assert parse_template("bug.md", WHOLE) == CardTemplate(
        file="bug.md",
        name="Bug report",
        about="Something does not work",
        title="Fix: ",
        description="## What happens\n\nIt breaks.",
        labels=("bug", "needs test"),
        priority=3,
        agent="claude",
        agent_options={"model": "opus"},
        base_branch="develop",
    )


def test_a_file_without_front_matter_is_all_description() -> None:
    template = parse_template("Tidy up.md", "# Tidy\n---\nmore\n")
    assert (template.name, template.description) == ("Tidy up", "# Tidy\n---\nmore")
    assert template.problem is None


@pytest.mark.parametrize(
    "labels",
    [
        "labels: bug, ui",
        "labels: [bug, ui]",
        "labels:\n  - bug\n  - ui",
        "labels:\n- 'bug'\n- ui, bug",
    ],
)
def test_labels_in_each_of_their_forms(labels: str) -> None:
    assert parse_template("a.md", f"---\n{labels}\n---\n").labels == ("bug", "ui")


@pytest.mark.parametrize(
    ("head", "problem"),
    [
        ("priority: extreme", "priority is one of none, low, medium, high, urgent."),
        (f"title: {'x' * 201}", "title has more than 200 characters."),
        (f"labels: {'x' * 51}", "There are 20 labels of 50 characters at most."),
        (
            f"labels: {','.join(map(str, range(21)))}",
            "There are 20 labels of 50 characters at most.",
        ),
    ],
)
def test_what_cannot_be_used_is_left_out_and_told(head: str, problem: str) -> None:
    template = parse_template("a.md", f"---\n{head}\nabout: Kept\n---\nText")
    assert template.problem == problem
    assert (template.about, template.title, template.description) == ("Kept", "", "Text")
    assert len(template.labels) <= 20


def test_dashes_that_do_not_end_are_text() -> None:
    template = parse_template("a.md", "---\nname: A\nText")
    assert template.problem == "The lines after --- do not end with ---."
    assert template.description == "---\nname: A\nText"


def test_too_much_text_is_told() -> None:
    template = parse_template("a.md", "x" * 70_000)
    assert template.problem == "Its text has more than 64 KiB."
    assert template.description == ""


def test_windows_line_ends_and_a_byte_order_mark_are_no_matter() -> None:
    template = parse_template("a.md", "\ufeff---\r\nname: A\r\n---\r\nText\r\n")
    assert (template.name, template.description) == ("A", "Text")
