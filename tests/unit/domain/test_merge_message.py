"""The template of a merge's message."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lazyaf.domain.errors import Invalid
from lazyaf.domain.merge_message import PLACEHOLDERS, complaint, fill
from lazyaf.domain.repo_settings import check, parse_config

VALUES = dict.fromkeys(PLACEHOLDERS, "")


def test_it_is_filled_and_tidied() -> None:
    said = fill(
        "\n#{number}: {title}  \n\n{description}\n\n{{kept}}\n\n{commits}\n",
        {**VALUES, "number": "12", "title": "Mend {it}", "description": "Why.\r\nAnd how."},
    )
    assert said == "#12: Mend {it}\n\nWhy.\nAnd how.\n\n{kept}\n"


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("{title} by {author}", "{author}"),
        ("{}", "{}"),
        ("{title!r}", "{title!r}"),
        ("{title:>80}", "{title:>80}"),
        ("{title.upper}", "{title.upper}"),
        ("{title", "{{ or }}"),
        ("title}", "{{ or }}"),
        (" \n ", "must say something"),
    ],
)
def test_what_it_cannot_be_is_said(template: str, why: str) -> None:
    assert why in (complaint(template) or "")


@given(st.text())
def test_what_has_no_complaint_can_be_filled(template: str) -> None:
    if complaint(template) is None:
        assert fill(template, VALUES).endswith("\n")


@pytest.mark.parametrize("value", [7, "x" * 4001, "\0"])
def test_it_is_a_text(value: Any) -> None:
    with pytest.raises(Invalid, match="must be a text of at most 4000 characters"):
        check("merge_message", value, where="merge_message")


def test_the_file_says_it_and_a_mistake_is_named_with_its_place() -> None:
    text = '[merge]\nmessage = "{title}"\ndelete_branch = true'
    assert parse_config(text) == {"merge_message": "{title}", "delete_branch": True}
    with pytest.raises(Invalid, match=r"merge\.message does not know the placeholder \{card\}"):
        parse_config('[merge]\nmessage = "{card}"')
