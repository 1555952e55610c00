"""Takes secrets out of everything that a runner writes down or sends.

A secret is looked for as it is, in base64 (at each of the three offsets at which it can stand in
something longer), URL-encoded and as JSON escapes it. A secret of several lines is also looked for line
by line, since output arrives in lines. What ``base64`` breaks into lines, and what is cut off at the end of
a line that was too long, is found by the piece of a secret that stands at the edge.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final
from urllib.parse import quote, quote_plus

from lazyaf.protocol.entries import Entry
from lazyaf.runner.lines import CUT

MASK: Final = "[redacted]"
SECRET_MIN: Final = 8
"""Shorter values are no secrets: hiding ``main`` would hide every main."""
PIECE_MIN: Final = 6
"""Characters of a secret's base64 at the edge of a line that are no chance any more."""
_EDGE = re.compile(r'([\r\n"\\]+(?:(?<=\\)[rn])?)')
"""Where a line ends, also inside a JSON string, and where such a string does."""
_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSW|CREDENTIAL", re.IGNORECASE)


def secret_values(env: Mapping[str, str]) -> list[str]:
    """The values of variables whose name sounds secret."""
    return [value for name, value in env.items() if _SECRET_NAME.search(name)]


class Redactor:
    """Replaces every form of the secrets it knows."""

    def __init__(self, secrets: Iterable[str]) -> None:
        known = [*secrets]
        forms = {form for secret in known for form in _forms(secret)}
        self._forms = tuple(sorted(forms, key=len, reverse=True))
        self._broken = tuple(
            sorted({form for secret in known for form in _lines_of_base64(secret)})
        )
        self._all_broken = "\0".join(self._broken)
        self._pattern = re.compile("|".join(map(re.escape, self._forms))) if forms else None

    def text(self, text: str) -> str:
        """The text without secrets."""
        if self._pattern is None:
            return text
        said = self._pattern.sub(MASK, text)
        if said.endswith(CUT):
            said = _without_end(said.removesuffix(CUT), self._forms) + CUT
        return "".join(map(self._without_edges, _EDGE.split(said)))

    def entry(self, entry: Entry) -> Entry:
        """The entry without secrets, wherever they stand in it."""
        clean: dict[str, object] = {
            "text": self.text(entry.text),
            "name": _optional(self, entry.name),
            "call_id": _optional(self, entry.call_id),
            "input": self._value(entry.input),
            "detail": self._value(entry.detail),
            "raw": _optional(self, entry.raw),
        }
        if all(getattr(entry, name) == value for name, value in clean.items()):
            return entry
        return entry.model_copy(update=clean)

    def _without_edges(self, piece: str) -> str:
        """A line without what it begins or ends with of base64 that goes on in another."""
        if len(piece) < PIECE_MIN:
            return piece
        if piece[-PIECE_MIN:] in self._all_broken:
            piece = _without_end(piece, self._broken)
        if piece[:PIECE_MIN] in self._all_broken:
            piece = _without_begin(piece, self._broken)
        return piece

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


def _without_end(text: str, forms: Sequence[str]) -> str:
    """The text without the part of a form that it ends in, if the form could go on after it."""
    for form in forms:
        at = form.find(text[-PIECE_MIN:])
        if at < 0 or len(text) < PIECE_MIN:
            continue
        begun = form[: at + PIECE_MIN]
        if text.endswith(begun) or begun.endswith(text):
            return text.removesuffix(begun) + MASK if text.endswith(begun) else MASK
    return text


def _without_begin(text: str, forms: Sequence[str]) -> str:
    """The text without the part of a form that it begins with, if the form could have begun before."""
    for form in forms:
        at = form.find(text[:PIECE_MIN])
        if at < 0:
            continue
        rest = form[at:]
        if text.startswith(rest) or rest.startswith(text):
            return MASK + text.removeprefix(rest) if text.startswith(rest) else MASK
    return text


def _lines_of_base64(secret: str) -> Iterator[str]:
    """The base64 forms that a program may break into lines."""
    for value in {secret, secret.strip()}:
        if len(value) >= SECRET_MIN:
            yield from _base64_forms(value.encode("utf-8", "replace"))


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
