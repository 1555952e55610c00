"""What git knows of a repository: branches, commits, diffs, and landing a branch."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from lazyaf.domain.cards import CardStatus
from lazyaf.web.schemas.base import Line, Model


class DiffHunk(BaseModel):
    """A run of lines; each is ``[" " | "+" | "-" | "\\\\", text]``."""

    header: str
    old_start: int
    old_lines: int
    new_start: int
    new_lines: int
    lines: list[tuple[str, str]]


class DiffFile(BaseModel):
    """A changed file. ``too_large``: ask for it alone with ``?path=``."""

    path: str
    old_path: str | None
    status: Literal["added", "modified", "deleted", "renamed", "copied", "type_changed"]
    additions: int
    deletions: int
    binary: bool
    old_mode: str | None
    new_mode: str | None
    too_large: bool
    hunks: list[DiffHunk]


class Diff(BaseModel):
    """A three-dot diff. ``base_sha`` is the merge base."""

    base_sha: str
    head_sha: str
    base_ref: str
    head_ref: str
    additions: int
    deletions: int
    files: list[DiffFile]
    mergeable: bool | None
    conflicts: list[str]


class BranchCard(BaseModel):
    """The card that a branch belongs to."""

    id: str
    number: int
    title: str
    status: CardStatus


class Branch(BaseModel):
    """A branch against the default one."""

    name: str
    sha: str
    ahead: int
    behind: int
    subject: str
    author: str
    committed_at: str
    is_default: bool
    is_merged: bool
    card: BranchCard | None


class Commit(BaseModel):
    """A commit of the graph; ``refs`` are the branches and tags that point at it."""

    sha: str
    parents: list[str]
    subject: str
    author_name: str
    author_email: str
    committed_at: str
    refs: list[str]


class LandRequest(Model):
    """What to push where; the repository's remote when none is named."""

    branch: Line = Field(min_length=1, max_length=255)
    remote_url: Line | None = Field(None, max_length=2000)


class Landed(BaseModel):
    """``pushed`` is false when the remote had it already."""

    branch: str
    sha: str
    remote_url: str
    pushed: bool
