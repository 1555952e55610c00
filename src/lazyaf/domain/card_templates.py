"""Card templates: Markdown files that a repository carries in `.lazyaf/templates`, like a forge's for issues.

Between two lines of three dashes, at the very beginning, stands what a new card begins with, as lines of
``key: value``; the rest is its description. Of YAML that is one level: strings, plain or in quotes, and lists,
in brackets, separated by commas or one item a line after ``- ``. What is not known is left alone, so that a
forge's own template can be used as it is.
"""

from __future__ import annotations

import re
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
PRIORITIES: Final = ("none", "low", "medium", "high", "urgent")

_LINE = re.compile(r"(?P<key>[A-Za-z_][\w-]*)\s*:(?:\s+(?P<value>.*))?")
_ITEM = re.compile(r"\s*-\s+(?P<item>.+)")


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


def parse_template(file: str, text: str) -> CardTemplate:
    """The template in a file of this name. What is wrong in it is left out, and told as its ``problem``."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\0", "\ufffd")
    template = CardTemplate(file, PurePosixPath(file).stem)
    head, body = _split(text)
    if head is None:
        return _described(
            replace(template, problem="The lines after --- do not end with ---."), text
        )
    template = _described(template, body)
    for key, value in _values(head):
        template = _with(template, key, value)
    return template


def _split(text: str) -> tuple[str | None, str]:
    """What stands between the dashes, and what after them; None when they do not end."""
    if not text.startswith("---\n"):
        return "", text
    end = re.search(r"^---[ \t]*$", text[4:], re.MULTILINE)
    if end is None:
        return None, text
    return text[4:][: end.start()], text[4:][end.end() :]


def _values(head: str) -> list[tuple[str, list[str]]]:
    """Each key with its items, or with its only value."""
    found: list[tuple[str, list[str]]] = []
    for line in head.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if (item := _ITEM.fullmatch(line)) is not None and found:
            found[-1][1].append(_plain(item["item"]))
        elif (match := _LINE.fullmatch(line)) is not None:
            value = (match["value"] or "").strip()
            found.append((match["key"].lower().replace("-", "_"), _items(value)))
    return found


def _items(value: str) -> list[str]:
    if value.startswith("[") and value.endswith("]"):
        return [plain for part in value[1:-1].split(",") if (plain := _plain(part))]
    plain = _plain(value)
    return [plain] if plain else []


def _plain(value: str) -> str:
    """Without the quotes around it; a remark after it is none of it."""
    value = value.strip()
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    return re.sub(r"\s+#.*", "", value)


def _described(template: CardTemplate, body: str) -> CardTemplate:
    description = body.strip()
    if len(description) > DESCRIPTION_MAX:
        return _wrong(template, f"Its text has more than {DESCRIPTION_MAX // 1024} KiB.")
    return replace(template, description=description)


def _with(template: CardTemplate, key: str, items: list[str]) -> CardTemplate:
    """The template with what this key says of it."""
    if key == "labels":
        return _labelled(template, items)
    value = items[0] if items else ""
    if not value:
        return template
    if key == "priority":
        if value.lower() in PRIORITIES:
            return replace(template, priority=PRIORITIES.index(value.lower()))
        return _wrong(template, f"priority is one of {', '.join(PRIORITIES)}.")
    longest = {"name": 100, "about": LINE_MAX, "title": TITLE_MAX, "agent": 40, "model": 100}
    longest |= {"command": 10_000, "base": LINE_MAX}
    if key not in longest:
        return template
    if len(value) > longest[key]:
        return _wrong(template, f"{key} has more than {longest[key]} characters.")
    if key in ("model", "command"):
        return replace(template, agent_options={**template.agent_options, key: value})
    said: dict[str, Any] = {"base_branch" if key == "base" else key: value}
    return replace(template, **said)


def _labelled(template: CardTemplate, items: list[str]) -> CardTemplate:
    """Also as some forges have it, several in one string."""
    labels = [label.strip() for item in items for label in item.split(",")]
    usable = [label for label in labels if 0 < len(label) <= LABEL_MAX]
    if len(usable) > LABELS_MAX or any(len(label) > LABEL_MAX for label in labels):
        template = _wrong(
            template, f"There are {LABELS_MAX} labels of {LABEL_MAX} characters at most."
        )
    return replace(template, labels=tuple(dict.fromkeys(usable))[:LABELS_MAX])


def _wrong(template: CardTemplate, problem: str) -> CardTemplate:
    return template if template.problem is not None else replace(template, problem=problem)
