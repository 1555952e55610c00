"""Turns the structured result of an editing tool into a unified patch for the log."""

from __future__ import annotations

from pathlib import PurePath
from typing import Final

from lazyaf.agents.claude.tools import relative
from lazyaf.agents.loose import Object, child, integer, objects, string, strings

PATCH_MAX: Final = 128 * 1024
"""Characters of a patch in an entry; the branch has the whole of it."""


def patch_detail(result: Object, worktree: PurePath) -> dict[str, object] | None:
    """``{path, patch, additions, deletions, cut}`` of a tool's ``tool_use_result``, or None.

    Edit and Write tell one file; the shell tool tells, as ``bashEditDiff``, the files that its
    command changed. ``path`` is None when there are several.
    """
    files = _files_of(result)
    if not files:
        return None
    texts, additions, deletions = [], 0, 0
    for path, hunks in files:
        texts.append(_file_patch(relative(path, worktree), hunks))
        for line in (line for hunk in hunks for line in strings(hunk, "lines")):
            additions += line.startswith("+")
            deletions += line.startswith("-")
    patch = "".join(texts)
    return {
        "path": relative(files[0][0], worktree) if len(files) == 1 else None,
        "patch": patch[:PATCH_MAX],
        "additions": additions,
        "deletions": deletions,
        "cut": len(patch) > PATCH_MAX,
    }


def _files_of(result: Object) -> list[tuple[str, list[Object]]]:
    changed = objects(child(result, "bashEditDiff"), "files")
    if changed:
        told = [(string(file, "filePath"), objects(file, "hunks")) for file in changed]
    elif string(result, "type") == "create":
        told = [(string(result, "filePath"), _created(string(result, "content")))]
    else:
        told = [(string(result, "filePath"), objects(result, "structuredPatch"))]
    return [(path, hunks) for path, hunks in told if path and hunks]


def _created(content: str) -> list[Object]:
    lines = ["+" + line for line in content.splitlines()]
    if not lines:
        return []
    return [{"oldStart": 0, "oldLines": 0, "newStart": 1, "newLines": len(lines), "lines": lines}]


def _file_patch(path: str, hunks: list[Object]) -> str:
    old = "/dev/null" if integer(hunks[0], "oldStart") == 0 else f"a/{path}"
    head = f"--- {old}\n+++ b/{path}\n"
    return head + "".join(_hunk(hunk) for hunk in hunks)


def _hunk(hunk: Object) -> str:
    place = (
        f"@@ -{integer(hunk, 'oldStart')},{integer(hunk, 'oldLines')} "
        f"+{integer(hunk, 'newStart')},{integer(hunk, 'newLines')} @@\n"
    )
    return place + "".join(f"{line}\n" for line in strings(hunk, "lines"))
