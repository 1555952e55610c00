"""Card templates: what a file says of a new card, and that what is wrong in one is told, not fatal."""

from __future__ import annotations

import pytest

from lazyaf.domain.card_templates import CardTemplate, template_of


def test_everything_that_a_template_can_say() -> None:
    said = {
        "name": "Bug report",
        "about": "Something does not work",
        "title": "Fix: ",
        "labels": ["bug", "needs test"],
        "assignees": "ada",
        "priority": "High",
        "agent": "claude",
        "model": "opus",
        "base": "develop",
    }
    body = "\n\n## What happens\n\nIt breaks.\n"
    assert template_of("bug.md", said, body) == CardTemplate(
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


def test_without_a_word_about_itself_it_is_called_as_its_file() -> None:
    template = template_of("Tidy up.md", {"title": "", "labels": ""}, "# Tidy")
    assert template == CardTemplate("Tidy up.md", "Tidy up", description="# Tidy")


@pytest.mark.parametrize("labels", ["bug, ui", ["bug", "ui"], ["bug", "ui, bug"]])
def test_labels_in_each_of_their_forms(labels: object) -> None:
    assert template_of("a.md", {"labels": labels}, "").labels == ("bug", "ui")


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("priority", "extreme", "priority is one of none, low, medium, high, urgent."),
        ("title", "x" * 201, "title has more than 200 characters."),
        ("title", ["a", "b"], "title is text on one line."),
        ("title", "a\nb", "title is text on one line."),
        ("labels", "x" * 51, "There are 20 labels of 50 characters at most."),
        ("labels", [str(n) for n in range(21)], "There are 20 labels of 50 characters at most."),
        ("labels", [{"a": "b"}], "labels is a list of texts."),
    ],
)
def test_what_cannot_be_used_is_left_out_and_told(key: str, value: object, problem: str) -> None:
    template = template_of("a.md", {key: value, "about": "Kept"}, "Text")
    assert template.problem == problem
    assert (template.about, template.title, template.description) == ("Kept", "", "Text")
    assert len(template.labels) <= 20


def test_of_several_problems_the_first_is_told() -> None:
    template = template_of("a.md", {"priority": "extreme"}, "Text", "It is no YAML.")
    assert (template.problem, template.description) == ("It is no YAML.", "Text")


def test_too_much_text_is_told() -> None:
    template = template_of("a.md", {}, "x" * 70_000)
    assert template.problem == "Its text has more than 64 KiB."
    assert template.description == ""
