"""Bodies that a route reads itself are refused in the framework's words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fastapi.exceptions import RequestValidationError

from lazyaf.protocol.messages import LogRequest
from lazyaf.web.direct import described, parse

ENTRY = {"at": "now", "kind": "message"}


@pytest.mark.parametrize(
    "body", [b"", b"{", b'{"src_seq":1,"entries":[' + b"[" * 100_000, b"\xff\xfe", b"{} {}"]
)
def test_what_is_no_json_says_so(body: bytes) -> None:
    with pytest.raises(RequestValidationError) as refused:
        parse(LogRequest, body)
    assert [error["type"] for error in refused.value.errors()] == ["json_invalid"]


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"entries": [ENTRY]}, ("src_seq",)),
        ({"src_seq": 0, "entries": [ENTRY]}, ("src_seq",)),
        ({"src_seq": 1, "entries": []}, ("entries",)),
        ({"src_seq": 1, "entries": [ENTRY, {"at": "now", "kind": "x"}]}, ("entries", 1, "kind")),
        ({"src_seq": 1, "entries": [{**ENTRY, "text": "\ud800"}]}, ("entries", 0, "text")),
        ({"src_seq": 1, "entries": [ENTRY], "more": 1}, ("more",)),
        ([], ()),
    ],
)
def test_what_is_wrong_is_named(body: Any, place: tuple[str | int, ...]) -> None:
    with pytest.raises(RequestValidationError) as refused:
        parse(LogRequest, json.dumps(body).encode())
    assert [error["loc"] for error in refused.value.errors()] == [place]


def test_half_a_character_inside_a_value_is_taken() -> None:
    body = {"src_seq": 1, "entries": [{**ENTRY, "input": {"x": "\ud800"}}]}
    asked = parse(LogRequest, json.dumps(body).encode())
    assert asked.entries[0]["input"] == {"x": "\ud800"}


def test_the_description_stands_for_itself() -> None:
    schema = described(LogRequest)["requestBody"]["content"]["application/json"]["schema"]
    assert "$ref" not in json.dumps(schema)
    entry = schema["properties"]["entries"]["items"]
    assert entry["required"] == ["at", "kind"]
    assert "stdout" in entry["properties"]["kind"]["enum"]
