"""One line for each tool, text for each result, patches for each edit."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

import pytest

from lazyaf.agents.claude.patches import PATCH_MAX, patch_detail
from lazyaf.agents.claude.tools import LINE_MAX, result_text, summary

TREE = PurePosixPath("/w/repo")


@pytest.mark.parametrize(
    ("tool", "arguments", "line"),
    [
        ("Bash", {"command": "npm test\n  && echo ok"}, "npm test && echo ok"),
        ("Read", {"file_path": "/w/repo/src/a.py"}, "src/a.py"),
        ("Write", {"file_path": "/etc/passwd"}, "/etc/passwd"),
        ("NotebookEdit", {"notebook_path": "/w/repo/n.ipynb"}, "n.ipynb"),
        ("Grep", {"pattern": "def x", "path": "/w/repo/src"}, "def x in src"),
        ("Grep", {"pattern": "def x"}, "def x"),
        ("Glob", {"pattern": "**/*.py"}, "**/*.py"),
        (
            "TodoWrite",
            {
                "todos": [
                    {"content": "a", "status": "completed"},
                    {"content": "b", "status": "in_progress", "activeForm": "Doing b"},
                ]
            },
            "1 of 2 done: Doing b",
        ),
        ("Task", {"description": "Explore", "prompt": "Look"}, "Explore"),
        ("WebFetch", {"url": "https://example.org", "prompt": "?"}, "https://example.org"),
        ("mcp__db__query", {"limit": 3, "sql": "SELECT 1"}, "SELECT 1"),
        ("Unheard", {}, ""),
        ("Bash", {"command": 7}, ""),
        ("Bash", {"command": "x" * 999}, "x" * (LINE_MAX - 1) + "…"),
    ],
)
def test_a_call_is_one_line(tool: str, arguments: dict[str, Any], line: str) -> None:
    assert summary(tool, arguments, TREE) == line


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("plain", "plain"),
        ("<tool_use_error>No.</tool_use_error>", "No."),
        ([{"type": "text", "text": "a"}, {"type": "image"}, 5], "a\n[image]"),
        ([{"type": "tool_reference", "tool_name": "WebFetch"}], "WebFetch"),
        (None, ""),
    ],
)
def test_a_result_is_text(content: object, text: str) -> None:
    assert result_text({"content": content}) == text


def test_a_long_patch_is_cut_but_counted() -> None:
    created = {"type": "create", "filePath": "/w/repo/a", "content": "line\n" * PATCH_MAX}

    detail = patch_detail(created, TREE)

    assert detail is not None
    assert detail["cut"] is True
    assert detail["additions"] == PATCH_MAX
    assert len(str(detail["patch"])) == PATCH_MAX


def test_a_command_that_edits_two_files_names_none() -> None:
    hunk = {"oldStart": 1, "oldLines": 1, "newStart": 1, "newLines": 1, "lines": ["-a", "+b"]}
    files = [{"filePath": f"/w/repo/{name}", "hunks": [hunk]} for name in "xy"]

    detail = patch_detail({"bashEditDiff": {"files": files}}, TREE)

    assert detail is not None
    assert detail["path"] is None
    assert (detail["additions"], detail["deletions"]) == (2, 2)
    assert "--- a/x\n+++ b/x\n@@ -1,1 +1,1 @@\n-a\n+b\n--- a/y" in str(detail["patch"])


@pytest.mark.parametrize(
    "result", [{}, {"filePath": "/w/repo/a", "structuredPatch": []}, {"type": "create"}]
)
def test_no_edit_is_no_patch(result: dict[str, Any]) -> None:
    assert patch_detail(result, TREE) is None
