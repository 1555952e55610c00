"""Reads and writes what `json` does."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lazyaf.store.json_text import read_json, write_json

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(VALUES, st.booleans())
def test_reads_what_json_wrote(value: Any, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    assert read_json(text) == value
    assert read_json(text.encode()) == value


@given(VALUES)
def test_json_reads_what_was_written(value: Any) -> None:
    assert json.loads(write_json(value)) == value


@pytest.mark.parametrize("value", ["\ud800", {"x": ["\udfff"]}, {"\ud800": 1}])
def test_half_a_character_is_what_json_makes_of_it(value: Any) -> None:
    assert read_json(json.dumps(value)) == value
    assert write_json(value) == json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def test_what_is_no_json_is_told_by_json() -> None:
    with pytest.raises(json.JSONDecodeError):
        read_json("{")
