"""Secrets in every form in which a program may print them."""

from __future__ import annotations

import base64
import json
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lazyaf.protocol.entries import Entry, EntryKind
from lazyaf.runner.lines import LineSplitter
from lazyaf.runner.redaction import MASK, PIECE_MIN, Redactor, secret_values

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


LONG = "sk-ant-api03-" + "".join(f"{n:02x}-Zq{n * 7919 % 997:03d}" for n in range(14))


@given(
    st.binary(max_size=100),
    st.binary(max_size=100),
    st.sampled_from([20, 64, 76]),
    st.sampled_from(["in lines", "in one text", "in json", "in json in json"]),
)
def test_base64_that_is_broken_into_lines_is_masked(
    before: bytes, after: bytes, width: int, how: str
) -> None:
    encoded = base64.b64encode(before + LONG.encode() + after).decode()
    lines = [encoded[n : n + width] for n in range(0, len(encoded), width)]
    redactor = Redactor([LONG])
    if how == "in lines":
        said = "".join(map(redactor.text, lines))
    else:
        text = "\n".join(lines) + "\n"
        for _ in range(how.count("json")):
            text = json.dumps(text)
        said = redactor.text(text).replace("\\n", "").replace("\\", "").replace("\n", "")

    first, last = (len(before) * 8 + 5) // 6, (len(before) + len(LONG)) * 8 // 6
    secret = encoded[first:last]
    pieces = {secret[n : n + 8] for n in range(len(secret) - 8)}
    assert [piece for piece in pieces if piece in said] == []


@given(st.integers(1, len(LONG) - 1))
def test_a_secret_at_the_cut_of_a_line_is_masked(room: int) -> None:
    splitter = LineSplitter(1000)
    [line] = splitter.feed(b"x" * (1000 - room) + LONG.encode() + b"\n")
    said = Redactor([LONG]).text(line)

    assert "rest of this line was dropped" in said
    assert LONG[:PIECE_MIN] not in said


def test_a_secret_in_two_writes_is_masked() -> None:
    splitter = LineSplitter()
    lines = splitter.feed(b"it is " + LONG[:20].encode())
    lines += splitter.feed(LONG[20:].encode() + b" indeed\n")

    assert [Redactor([LONG]).text(line) for line in lines] == [f"it is {MASK} indeed"]


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
