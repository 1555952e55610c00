"""Makes entries that are always valid, whatever an agent printed.

Every driver builds its entries here: the time comes from a clock that is handed in, text is cut to
the protocol's limits and says so, and characters that JSON cannot carry are replaced.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Final

from lazyaf.protocol.entries import RAW_MAX, TEXT_MAX, Entry, EntryKind, Usage

NAME_MAX: Final = 200
INPUT_STRING_MAX: Final = 64 * 1024
"""Characters kept of one string in a tool's input; the raw line has the rest."""
_DEPTH_MAX: Final = 20


def utc_now() -> str:
    """The present as ISO 8601 UTC with milliseconds and ``Z``."""
    now = dt.datetime.now(dt.UTC)
    return now.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class EntryMaker:
    """Makes the entries of one run."""

    def __init__(self, now: Callable[[], str] = utc_now) -> None:
        self._now = now

    def make(
        self,
        kind: EntryKind,
        text: str = "",
        *,
        name: str | None = None,
        call_id: str | None = None,
        input: Mapping[str, object] | None = None,  # noqa: A002 - the protocol's name
        is_error: bool = False,
        detail: Mapping[str, object] | None = None,
        usage: Usage | None = None,
    ) -> Entry:
        """An entry of now. Never raises for any string."""
        return Entry(
            at=self._now(),
            kind=kind,
            text=cut(clean(text), TEXT_MAX),
            name=None if name is None else clean(name)[:NAME_MAX],
            call_id=None if call_id is None else clean(call_id)[:NAME_MAX],
            input=None if input is None else _clean_object(input, INPUT_STRING_MAX),
            is_error=is_error,
            detail=None if detail is None else _clean_object(detail, TEXT_MAX),
            usage=usage,
        )

    def with_raw(self, entry: Entry, raw: str) -> Entry:
        """The entry with the agent's own line beside it."""
        return entry.model_copy(update={"raw": clean(raw)[:RAW_MAX]})


def clean(text: str) -> str:
    """Text without the lone surrogates that ``\\ud800`` in JSON leaves behind."""
    return text.encode("utf-8", "replace").decode("utf-8")


def cut(text: str, limit: int) -> str:
    """At most ``limit`` characters, the last of them saying how many are missing."""
    if len(text) <= limit:
        return text
    note = f"\n… {len(text) - limit + 60:,} more characters were cut here."
    return text[: limit - 60] + note


def _clean_object(value: Mapping[str, object], limit: int) -> dict[str, object]:
    return {clean(str(k)): _clean_value(v, limit, _DEPTH_MAX) for k, v in value.items()}


def _clean_value(value: object, limit: int, depth: int) -> object:
    if isinstance(value, str):
        return cut(clean(value), limit)
    if depth == 0 or value is None or isinstance(value, bool | int | float):
        return value if isinstance(value, bool | int | float) else None
    if isinstance(value, Mapping):
        return {clean(str(k)): _clean_value(v, limit, depth - 1) for k, v in value.items()}
    if isinstance(value, list):
        return [_clean_value(v, limit, depth - 1) for v in value]
    return clean(str(value))
