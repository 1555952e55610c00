"""Card templates: Markdown files that a repository carries in `.lazyaf/templates`, like a forge's for issues.

Their front matter says what a new card begins with, the rest is its description. What is not known there is left
alone, so that a forge's own template can be used as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any, Final

FOLDER: Final = ".lazyaf/templates"
SUFFIX: Final = ".md"
COUNT_MAX: Final = 50
"""Templates of a repository that are offered, the first by the names of their files."""

TITLE_MAX: Final = 200
DESCRIPTION_MAX: Final = 64 * 1024
LABELS_MAX: Final = 20
LABEL_MAX: Final = 50
LINE_MAX: Final = 250
LONGEST: Final = {
    "name": 100,
    "about": LINE_MAX,
    "title": TITLE_MAX,
    "agent": 40,
    "model": 100,
    "command": 10_000,
    "base": LINE_MAX,
}
"""Characters that each may have."""
PRIORITIES: Final = ("none", "low", "medium", "high", "urgent")


@dataclass(frozen=True, slots=True)
class CardTemplate:
    """What a new card begins with. ``problem`` says what of the file could not be used; None when all was."""

    file: str
    name: str
    about: str = ""
    title: str = ""
    description: str = ""
    labels: tuple[str, ...] = ()
    priority: int = 0
    agent: str | None = None
    agent_options: dict[str, str] = field(default_factory=dict)
    base_branch: str | None = None
    problem: str | None = None


def template_of(
    file: str, said: Mapping[str, object], body: str, problem: str | None = None
) -> CardTemplate:
    """The template in a file of this name, by what its front matter has ``said`` and its ``body``. What is wrong
    there is left out, and told as its ``problem``, of which the first is kept."""
    template = CardTemplate(file, PurePosixPath(file).stem, problem=problem)
    template = _described(template, body)
    for key, value in said.items():
        template = _with(template, key.lower().replace("-", "_"), value)
    return template


def _described(template: CardTemplate, body: str) -> CardTemplate:
    description = body.strip()
    if len(description) > DESCRIPTION_MAX:
        return _wrong(template, f"Its text has more than {DESCRIPTION_MAX // 1024} KiB.")
    return replace(template, description=description)


def _with(template: CardTemplate, key: str, value: object) -> CardTemplate:
    """The template with what this key says of it."""
    if key == "labels":
        return _labelled(template, value if isinstance(value, list) else [value])
    if key not in (*LONGEST, "priority") or value == "":
        return template
    if not isinstance(value, str) or (key != "command" and "\n" in value):
        return _wrong(template, f"{key} is text on one line.")
    if key == "priority":
        if value.lower() in PRIORITIES:
            return replace(template, priority=PRIORITIES.index(value.lower()))
        return _wrong(template, f"priority is one of {', '.join(PRIORITIES)}.")
    if len(value) > LONGEST[key]:
        return _wrong(template, f"{key} has more than {LONGEST[key]} characters.")
    if key in ("model", "command"):
        return replace(template, agent_options={**template.agent_options, key: value})
    said: dict[str, Any] = {"base_branch" if key == "base" else key: value}
    return replace(template, **said)


def _labelled(template: CardTemplate, items: list[object]) -> CardTemplate:
    """Also as some forges have it, several in one text."""
    texts = [item for item in items if isinstance(item, str)]
    if len(texts) < len(items):
        template = _wrong(template, "labels is a list of texts.")
    labels = [label.strip() for text in texts for label in text.split(",")]
    usable = [label for label in labels if 0 < len(label) <= LABEL_MAX]
    if len(usable) > LABELS_MAX or any(len(label) > LABEL_MAX for label in labels):
        template = _wrong(
            template, f"There are {LABELS_MAX} labels of {LABEL_MAX} characters at most."
        )
    return replace(template, labels=tuple(dict.fromkeys(usable))[:LABELS_MAX])


def _wrong(template: CardTemplate, problem: str) -> CardTemplate:
    return template if template.problem is not None else replace(template, problem=problem)
