"""Takes secrets out of everything that a runner writes down or sends.

A secret is looked for as it is, in base64 (at each of the three offsets at which it can stand in
something longer), URL-encoded and as JSON escapes it. A secret of several lines is also looked for line
by line, since output arrives in lines.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final
from urllib.parse import quote, quote_plus

from lazyaf.protocol.entries import Entry

MASK: Final = "[redacted]"
SECRET_MIN: Final = 8
"""Shorter values are no secrets: hiding ``main`` would hide every main."""
_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSW|CREDENTIAL", re.IGNORECASE)


def secret_values(env: Mapping[str, str]) -> list[str]:
    """The values of variables whose name sounds secret."""
    return [value for name, value in env.items() if _SECRET_NAME.search(name)]


class Redactor:
    """Replaces every form of the secrets it knows."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets for form in _forms(secret)}
        ordered = sorted(forms, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def text(self, text: str) -> str:
        """The text without secrets."""
        return text if self._pattern is None else self._pattern.sub(MASK, text)

    def entry(self, entry: Entry) -> Entry:
        """The entry without secrets, wherever they stand in it."""
        if self._pattern is None or not self._pattern.search(entry.model_dump_json()):
            return entry
        return entry.model_copy(
            update={
                "text": self.text(entry.text),
                "name": _optional(self, entry.name),
                "call_id": _optional(self, entry.call_id),
                "input": self._value(entry.input),
                "detail": self._value(entry.detail),
                "raw": _optional(self, entry.raw),
            }
        )

    def _value(self, value: object) -> object:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(str(key)): self._value(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._value(item) for item in value]
        return value


def _optional(redactor: Redactor, text: str | None) -> str | None:
    return None if text is None else redactor.text(text)


def _forms(secret: str) -> Iterator[str]:
    """Every form in which a secret may be printed."""
    for value in {secret, *secret.splitlines()}:
        value = value.strip()
        if len(value) < SECRET_MIN:
            continue
        yield value
        yield quote(value, safe="")
        yield quote_plus(value)
        for ascii_only in (True, False):
            escaped = json.dumps(value, ensure_ascii=ascii_only)[1:-1]
            yield escaped
            yield json.dumps(escaped, ensure_ascii=ascii_only)[1:-1]
        yield from _base64_forms(value.encode("utf-8", "replace"))


def _base64_forms(raw: bytes) -> Iterator[str]:
    """The characters of the base64 form that depend on the secret alone, at each offset."""
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + raw).decode("ascii").rstrip("=")
        # The first characters hold bits of what stands before, the last may hold bits of what follows.
        first = (offset * 8 + 5) // 6
        bits = (offset + len(raw)) * 8
        stable = encoded[first : bits // 6]
        if len(stable) >= SECRET_MIN:
            yield stable
            yield stable.replace("+", "-").replace("/", "_")
