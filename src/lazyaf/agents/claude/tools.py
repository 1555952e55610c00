"""Says in one line what a tool call does, and as text what came back."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Final

from lazyaf.agents.loose import Object, objects, string

LINE_MAX: Final = 300
_PATH_KEYS: Final = ("file_path", "notebook_path", "path")
_TEXT_KEYS: Final[dict[str, tuple[str, ...]]] = {
    "Bash": ("command",),
    "BashOutput": ("bash_id",),
    "KillShell": ("shell_id",),
    "Glob": ("pattern",),
    "Task": ("description", "prompt"),
    "Agent": ("description", "prompt"),
    "WebFetch": ("url",),
    "WebSearch": ("query",),
    "ToolSearch": ("query",),
    "Skill": ("skill", "command"),
    "TaskStop": ("task_id",),
    "ExitPlanMode": ("plan",),
}
_FILE_TOOLS: Final = frozenset({"Read", "Write", "Edit", "MultiEdit", "NotebookEdit", "LS"})
_ERROR_TAG: Final = re.compile(r"</?tool_use_error>")


def summary(tool: str, arguments: Object, worktree: PurePath) -> str:
    """One line for a person: the command, the path in the work tree, the pattern."""
    if tool in _FILE_TOOLS:
        text = relative(_first(arguments, _PATH_KEYS), worktree)
    elif tool == "Grep":
        where = string(arguments, "path") or string(arguments, "glob")
        text = string(arguments, "pattern") + (f" in {relative(where, worktree)}" if where else "")
    elif tool == "TodoWrite":
        text = _todos(arguments)
    else:
        text = _first(arguments, _TEXT_KEYS.get(tool, ())) or _anything(arguments)
    return _one_line(text)


def relative(path: str, worktree: PurePath) -> str:
    """A path as seen from the work tree; unchanged when it is outside."""
    try:
        return str(PurePath(path).relative_to(worktree))
    except ValueError:
        return path


def result_text(block: Object) -> str:
    """The text of a tool result, whose content is a string or a list of blocks."""
    content = block.get("content")
    if isinstance(content, str):
        text = content
    else:
        text = "\n".join(_block_text(part) for part in objects(block, "content"))
    return _ERROR_TAG.sub("", text)


def _block_text(block: Object) -> str:
    kind = string(block, "type")
    if kind == "text":
        return string(block, "text")
    if kind == "tool_reference":
        return string(block, "tool_name")
    return f"[{kind or 'something'}]"


def _todos(arguments: Object) -> str:
    todos = objects(arguments, "todos")
    done = sum(string(todo, "status") == "completed" for todo in todos)
    now = next((t for t in todos if string(t, "status") == "in_progress"), {})
    doing = string(now, "activeForm") or string(now, "content")
    return f"{done} of {len(todos)} done" + (f": {doing}" if doing else "")


def _first(arguments: Object, keys: tuple[str, ...]) -> str:
    return next((string(arguments, key) for key in keys if string(arguments, key)), "")


def _anything(arguments: Object) -> str:
    return next((value for value in arguments.values() if isinstance(value, str) and value), "")


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LINE_MAX else line[: LINE_MAX - 1] + "…"
