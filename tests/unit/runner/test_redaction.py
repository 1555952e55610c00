"""Secrets in every form in which a program may print them."""

from __future__ import annotations

import base64
import json
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lazyaf.protocol.entries import Entry, EntryKind
from lazyaf.runner.redaction import MASK, Redactor, secret_values

SECRET = 'sk-ant/api+03"key=é value'


@pytest.mark.parametrize(
    "printed",
    [
        SECRET,
        f"before {SECRET} after",
        urllib.parse.quote(SECRET, safe=""),
        urllib.parse.quote_plus(SECRET),
        json.dumps(SECRET),
        json.dumps(SECRET, ensure_ascii=False),
        json.dumps(json.dumps({"key": SECRET})),
    ],
)
def test_every_spelling_is_masked(printed: str) -> None:
    said = Redactor([SECRET]).text(printed)

    assert MASK in said
    assert "ant" not in said


@given(st.binary(max_size=5), st.binary(max_size=5), st.booleans())
def test_base64_of_something_around_it_is_masked(before: bytes, after: bytes, url: bool) -> None:
    encode = base64.urlsafe_b64encode if url else base64.b64encode
    said = Redactor([SECRET]).text(encode(before + SECRET.encode() + after).decode())

    assert MASK in said
    assert len(said.replace(MASK, "")) <= 24


def test_each_line_of_a_key_is_masked() -> None:
    key = "-----BEGIN KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEFAASC\n-----END KEY-----"

    assert Redactor([key]).text("MIIEvQIBADANBgkq") == MASK


def test_short_values_hide_nothing() -> None:
    assert Redactor(["main", "", "1"]).text("main 1") == "main 1"


def test_every_part_of_an_entry_is_masked() -> None:
    entry = Entry(
        at="now",
        kind=EntryKind.TOOL_CALL,
        text=f"echo {SECRET}",
        name="Bash",
        input={"command": f"echo {SECRET}", "list": [SECRET, 1, None]},
        detail={"deep": {SECRET: SECRET}},
        raw=json.dumps({"x": SECRET}),
    )
    said = Redactor([SECRET]).entry(entry)

    assert "ant" not in said.model_dump_json()
    assert said.name == "Bash"
    assert said.input == {"command": f"echo {MASK}", "list": [MASK, 1, None]}


def test_an_entry_without_secrets_is_left_alone() -> None:
    entry = Entry(at="now", kind=EntryKind.STDOUT, text="hello")

    assert Redactor([SECRET]).entry(entry) is entry


def test_secrets_are_known_by_their_names() -> None:
    env = {"API_KEY": "a", "github_token": "b", "DB_PASSWORD": "c", "CI": "true"}

    assert secret_values(env) == ["a", "b", "c"]
