"""The message of the commit that approving makes: a template in a repository's settings, filled from the card.

A placeholder is a name in braces, and a doubled brace stands for itself. The trailers are no part of it:
whatever it says, they come below (`lazyaf.services.merge_words`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from string import Formatter
from typing import Final

PLACEHOLDERS: Final = (
    "title",
    "number",
    "description",
    "commits",
    "agent",
    "model",
    "branch",
    "base",
    "repo",
)
TEMPLATE_MAX: Final = 4_000
"""Characters in a template."""


def complaint(template: str) -> str | None:
    """What is wrong with a template, as the end of a sentence about it; None when nothing is."""
    try:
        names = [name for _, name in _parts(template) if name is not None]
    except ValueError:
        return "has a brace without its other half: write {{ or }} for a brace that is none of a placeholder"
    unknown = next((name for name in names if name not in PLACEHOLDERS), None)
    if unknown is not None:
        known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
        return f"does not know the placeholder {{{unknown}}}: it knows {known}"
    if not template.strip():
        return "must say something, or be left out"
    return None


def fill(template: str, values: Mapping[str, str]) -> str:
    """The message, without blank lines around it and blanks behind its lines; it ends with a newline. What
    ``values`` say is taken as it is, braces included."""
    text = "".join(said + ("" if name is None else values[name]) for said, name in _parts(template))
    return "\n".join(line.rstrip() for line in text.strip().splitlines()) + "\n"


def _parts(template: str) -> Iterator[tuple[str, str | None]]:
    """What stands before each placeholder, and its name with all that its braces hold; `ValueError` for a
    brace alone."""
    for said, name, form, conversion in Formatter().parse(template):
        if name is None:
            yield said, None
        else:
            how = f"!{conversion}" if conversion else ""
            yield said, f"{name}{how}{f':{form}' if form else ''}"
