"""An entry has two forms, one that runners build and one that the server takes in; they are one."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from lazyaf.protocol.entries import RAW_MAX, TEXT_MAX, Entry, EntryFields

FIELDS = TypeAdapter(EntryFields)
WHOLE = {"at": "now", "kind": "usage"}


def described(schema: dict[str, Any]) -> dict[str, Any]:
    """What a JSON schema allows, without titles and defaults."""
    return {
        name: {key: value for key, value in field.items() if key not in ("title", "default")}
        for name, field in schema["properties"].items()
    } | {key: schema[key] for key in ("required", "additionalProperties", "$defs")}


def test_both_forms_allow_the_same() -> None:
    assert described(Entry.model_json_schema()) == described(FIELDS.json_schema())


def test_what_a_runner_builds_the_server_takes_and_gives_back() -> None:
    entry = Entry.model_validate(
        {"at": "now", "kind": "tool_call", "name": "Bash", "input": {"command": "ls"}, "raw": "{}"}
    )
    told = entry.model_dump_json(exclude_defaults=True).encode()
    taken = FIELDS.validate_json(told)
    assert FIELDS.dump_json(taken) == told
    assert Entry.model_validate(taken) == entry


@pytest.mark.parametrize(
    "wrong",
    [
        {"at": "n" * 41},
        {"kind": "shout"},
        {"text": "x" * (TEXT_MAX + 1)},
        {"raw": "x" * (RAW_MAX + 1)},
        {"name": "x" * 201},
        {"text": None},
        {"usage": {"turns": -1}},
        {"loudness": 11},
    ],
)
def test_both_forms_refuse_the_same(wrong: dict[str, Any]) -> None:
    for accept in (Entry.model_validate, FIELDS.validate_python):
        accept(WHOLE)
        with pytest.raises(ValidationError):
            accept({**WHOLE, **wrong})
