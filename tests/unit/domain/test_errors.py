"""Each error knows its status and its code, and its docstring tree is the truth."""

from __future__ import annotations

import re

import pytest

from lazyaf.domain import errors
from lazyaf.domain.errors import LazyafError


def _all(kind: type[LazyafError]) -> list[type[LazyafError]]:
    return [kind, *(found for sub in kind.__subclasses__() for found in _all(sub))]


KINDS = [kind for kind in _all(LazyafError) if kind.__module__ == errors.__name__]
"""Not those that an adapter derives for itself, when its module happens to be loaded."""


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_in_the_tree_with_its_status(kind: type[LazyafError]) -> None:
    assert errors.__doc__ is not None
    line = re.search(rf"^.*\b{kind.__name__}\b(.*)$", errors.__doc__, re.MULTILINE)
    assert line is not None
    said = re.search(r"\d{3}", line[1])
    if said is not None:
        assert int(said[0]) == kind.status


def test_codes_are_stable_words_and_no_two_kinds_share_one() -> None:
    codes = [kind.code for kind in KINDS]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"[a-z_]+", code) for code in codes)


def test_an_instance_may_have_a_code_of_its_own() -> None:
    error = errors.Conflict("Cancel it first.", code="job_open", extra={"job": "1"})
    assert (error.code, error.status, error.extra) == ("job_open", 409, {"job": "1"})
    assert errors.Conflict.code == "conflict"


def test_facts_to_act_upon() -> None:
    assert errors.Invalid.field("name", "Too long.").extra == {"fields": {"name": "Too long."}}
    assert errors.MergeConflict("No.", files={"b", "a"}).extra == {"files": ["a", "b"]}
    assert errors.SequenceGap(expected=7).extra == {"expected": 7}
