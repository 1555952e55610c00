"""Front matter: what a Markdown file says of itself, as YAML between two lines of three dashes at its beginning."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

import yaml

BYTES_MAX: Final = 8192
"""Of the lines between the dashes: YAML is read by Python here, at a megabyte in ten seconds."""
_END: Final = re.compile(r"^---[ \t]*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """The keys with their values, each text, a list or a mapping; and the ``body`` after them. ``problem`` says
    why there are no keys although the file begins with dashes."""

    body: str
    values: dict[str, object] = field(default_factory=dict)
    problem: str | None = None


def read_front_matter(text: str) -> FrontMatter:
    """Split a file. Dashes that do not end are part of its body. Every scalar stays the text that it is: `no` is
    nobody's truth value. Costly where there is much of it: not on the event loop."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\0", "\ufffd")
    if not text.startswith("---\n"):
        return FrontMatter(text)
    inner = text[4:]
    end = _END.search(inner)
    if end is None:
        return FrontMatter(text, problem="The lines after --- do not end with ---.")
    head, body = inner[: end.start()], inner[end.end() :]
    if len(head.encode()) > BYTES_MAX:
        return FrontMatter(body, problem=f"There are more than {BYTES_MAX} bytes between the ---.")
    try:
        values = yaml.load(head, Loader=yaml.BaseLoader)  # noqa: S506 - it makes text, lists and dicts alone
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 2 if error.problem_mark else 2
        return FrontMatter(body, problem=f"Line {line} is no YAML: {error.problem}.")
    except (yaml.YAMLError, RecursionError):
        return FrontMatter(body, problem="What stands between the --- is no YAML.")
    if not isinstance(values, dict):
        if not values:
            return FrontMatter(body)
        return FrontMatter(body, problem="Between the --- stand lines of `key: value`.")
    return FrontMatter(body, {str(key): value for key, value in values.items()})
