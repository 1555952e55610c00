"""What the agent is told: one prompt made of a card, its repository and, later, its review.

The runner calls `render` with a repository's own ``.lazyaf/prompt.md`` when there is one, otherwise
the template beside this module is used. A template is Markdown with ``$name`` placeholders
(`string.Template`); an unknown ``$`` stays as it is, so that shell snippets need no care.

Placeholders: ``$number $title $description $branch $base`` and the sections ``$instructions``,
``$attachments``, ``$followup``, ``$comments``, ``$conflicts``, ``$readme``, each empty when there is
nothing to say. What a person asks for in this round, the files that are attached, and the conflicts are
added at the end of a template that forgot them: an agent must never be sent without its reason.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from string import Template
from typing import Final

from lazyaf.domain.comments import Side, place_of
from lazyaf.protocol.messages import Comment, Task

README_MAX: Final = 8_000
"""Characters of the README in a prompt; the agent can read the rest itself."""
CONFLICTS_MAX: Final = 200
"""Conflicting paths that are listed by name."""
CHANGED_MAX: Final = 100
"""Uncommitted paths that are listed by name."""
SUGGESTED: Final = "```suggestion"
"""How a block of a comment begins that says what its lines should become."""
_REQUIRED: Final = ("attachments", "followup", "comments", "conflicts")


@dataclass(frozen=True, slots=True)
class Done:
    """What an agent that begins anew must be told: the subjects of the commits, the oldest first, and
    the paths that were changed and not committed."""

    commits: Sequence[str]
    changed: Sequence[str]


@dataclass(frozen=True, slots=True)
class AttachedFile:
    """A file that a person attached to the card: its path as the agent sees it, its size in bytes."""

    path: str
    media_type: str
    size: int


def render(
    template: str | None,
    task: Task,
    *,
    branch: str,
    base: str,
    readme: str | None,
    conflicts: Sequence[str] = (),
    followup: bool = False,
    done: Done | None = None,
    attachments: Sequence[AttachedFile] = (),
) -> str:
    """The prompt, ending in one newline.

    ``template`` is the repository's own or None; ``conflicts`` are paths that do not merge with
    ``base``; ``followup`` says that the agent (or another) has worked on this branch before, and
    ``done`` what was done then, when it does not remember.
    """
    source = template if template is not None and template.strip() else default_template()
    sections = {
        "instructions": _instructions(branch, base),
        "attachments": _attachments(attachments),
        "followup": _followup(task, followup=followup, done=done),
        "comments": _comments(task.comments),
        "conflicts": _conflicts(conflicts, base),
        "readme": _readme(readme),
    }
    filled = Template(_without_empty_lines_of(source, sections))
    text = filled.safe_substitute(
        sections,
        number=task.number,
        title=task.title,
        description=task.description.strip() or "(The card has no description.)",
        branch=branch,
        base=base,
    )
    named = set(filled.get_identifiers())
    missing = [sections[name] for name in _REQUIRED if name not in named and sections[name]]
    return "\n\n".join(part.strip() for part in (text, *missing)) + "\n"


def default_template() -> str:
    """The template that LazyAF ships."""
    return (resources.files("lazyaf.agents") / "prompts" / "default.md").read_text("utf-8")


def _instructions(branch: str, base: str) -> str:
    return (
        "1. Do what the card asks, completely, and nothing that it does not ask.\n"
        "2. Follow the conventions of this repository: read its `CLAUDE.md`, `AGENTS.md` or "
        "`CONTRIBUTING.md` when there is one, and run its tests and linters.\n"
        f"3. Commit your work with clear messages on the current branch, `{branch}`.\n"
        f"4. Do not push and do not switch branches: a person reviews `{branch}` and merges it "
        f"into `{base}`."
    )


def _attachments(files: Sequence[AttachedFile]) -> str:
    if not files:
        return ""
    listed = "\n".join(f"- `{f.path}` ({f.media_type}, {f.size:,} bytes)" for f in files)
    return (
        "## Attached files\n\n"
        "These came with the card. Read those that its task needs, pictures too, by their paths. They are "
        "not part of the repository and cannot be changed; copy one into it only if the card asks for that."
        f"\n\n{listed}"
    )


def _followup(task: Task, *, followup: bool, done: Done | None) -> str:
    message = task.message.strip()
    if not followup and not message:
        return ""
    heading = "## What to do now\n\n"
    seen = "There is already work on this branch; look at it first and build on it.\n\n"
    ask = message or (
        "A reviewer left comments; answer each of them in the code."
        if task.comments
        else "Continue and finish what the card asks."
    )
    return heading + (seen if followup else "") + _done(done) + ask


def _done(done: Done | None) -> str:
    if done is None or not (done.commits or done.changed):
        return ""
    told = ["The conversation in which it was done is lost; this is what it came to."]
    if done.commits:
        told.append("Commits, the oldest first:\n\n" + "\n".join(f"- {c}" for c in done.commits))
    if done.changed:
        told.append("Changed and not committed:\n\n" + _listed(done.changed, CHANGED_MAX))
    return "\n\n".join(told) + "\n\n"


def _listed(paths: Sequence[str], at_most: int) -> str:
    listed = "\n".join(f"- `{path}`" for path in paths[:at_most])
    rest = len(paths) - at_most
    return listed + (f"\n- … and {rest} more" if rest > 0 else "")


def _comments(comments: Sequence[Comment]) -> str:
    if not comments:
        return ""
    told = "\n\n".join(
        f"- {_number(c)}`{_place(c)}`{_note(c)}\n{_indent(c.body)}" for c in comments
    )
    numbers = [c.number for c in comments if c.number is not None]
    how = (
        "\n\nWhen all of it is done, end your last message with one line for each of them that says what you "
        f"did about it, or why not, like this:\n\n    [#{numbers[0]}] …"
        if numbers
        else ""
    )
    literal = (
        "\n\nA block marked `suggestion` is what exactly these lines should become. Apply it, unless it is "
        "wrong: then say why."
        if any(SUGGESTED in c.body for c in comments)
        else ""
    )
    return f"## Review comments\n\nAnswer each of them:\n\n{told}{literal}{how}"


def _number(comment: Comment) -> str:
    return "" if comment.number is None else f"[#{comment.number}] "


def _place(comment: Comment) -> str:
    return place_of(comment.path, comment.start_line, comment.line)


def _note(comment: Comment) -> str:
    removed = comment.side is Side.OLD and comment.line is not None
    return " (removed; counted in the file as it was before)" if removed else ""


def _indent(body: str) -> str:
    return "\n".join(f"  {line}".rstrip() for line in body.strip().splitlines())


def _conflicts(paths: Sequence[str], base: str) -> str:
    if not paths:
        return ""
    return (
        f"## Conflicts with `{base}`\n\n"
        f"`{base}` has moved and no longer merges into this branch. First run "
        f"`git merge origin/{base}`, resolve the conflicts so that both sides keep their meaning, "
        f"and commit the merge; then go on. These files conflict:\n\n"
        f"{_listed(paths, CONFLICTS_MAX)}"
    )


def _readme(readme: str | None) -> str:
    text = (readme or "").strip()
    if not text:
        return ""
    if len(text) > README_MAX:
        text = text[:README_MAX].rstrip() + "\n\n(The README goes on; read the file for the rest.)"
    return f"## The repository's README\n\n{text}"


def _without_empty_lines_of(template: str, sections: Mapping[str, str]) -> str:
    """The template without the lines that would hold nothing but an empty section."""
    for name, text in sections.items():
        if not text:
            alone = rf"^[ \t]*\$(?:{name}|\{{{name}\}})[ \t]*(?:\n\s*|\Z)"
            template = re.sub(alone, "", template, flags=re.MULTILINE)
    return template
