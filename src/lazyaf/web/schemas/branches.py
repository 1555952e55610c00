"""What git knows of a repository: branches, commits, diffs, and landing a branch."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from lazyaf.domain.cards import CardStatus
from lazyaf.domain.remotes import LandState
from lazyaf.web.schemas.base import Line, Model, Sha
from lazyaf.web.schemas.checks import DefaultChecks


class DiffHunk(BaseModel):
    """A run of lines; each is ``[" " | "+" | "-" | "\\\\", text]``."""

    header: str
    old_start: int
    old_lines: int
    new_start: int
    new_lines: int
    lines: list[tuple[str, str]]


class DiffSide(BaseModel):
    """What stands at the path before or after; ``mode`` is octal.

    ``id`` is a blob, of a submodule its commit. ``size`` is bytes, with Git LFS (``lfs``) those of
    the content that the pointer stands for, null for a submodule.
    """

    kind: Literal["file", "symlink", "submodule", "lfs"]
    mode: str
    id: str
    size: int | None


class DiffFile(BaseModel):
    """A changed file; a name that is no UTF-8 is in quotes with octal escapes, as git has it.

    ``too_large``: ask for it alone with ``?path=``. A submodule and a pointer of Git LFS have no
    hunks: what changed are the ids of their sides.
    """

    path: str
    old_path: str | None
    status: Literal["added", "modified", "deleted", "renamed", "copied", "type_changed"]
    additions: int
    deletions: int
    binary: bool
    old: DiffSide | None
    new: DiffSide | None
    too_large: bool
    hunks: list[DiffHunk]


class Diff(BaseModel):
    """A three-dot diff. ``base_sha`` is the merge base.

    ``additions``, ``deletions`` and ``total_files`` count all of it, ``files`` are those of one
    page, by path.

    Of a round, or since a commit, ``base_sha`` is the earlier head, and ``carried`` says how it was brought to
    the base of the later one, so that nothing of the base is in the diff: ``direct`` when the base is the
    same, ``merged``, ``conflicted`` (in ``carried_conflicts`` the lines before are those of the conflict), or
    ``unrelated`` when there is no common history. Lines before have numbers of no commit but when it is
    ``direct`` or ``unrelated``.
    """

    base_sha: str
    head_sha: str
    base_ref: str
    head_ref: str
    additions: int
    deletions: int
    total_files: int
    files: list[DiffFile]
    next_cursor: str | None
    mergeable: bool | None
    conflicts: list[str]
    carried: Literal["direct", "merged", "conflicted", "unrelated"] | None
    carried_conflicts: list[str]


class BranchCard(BaseModel):
    """The card that a branch belongs to."""

    id: str
    number: int
    title: str
    status: CardStatus


class RemoteBranch(BaseModel):
    """Where the remote's branch of the same name was last seen; ``ahead`` and ``behind`` are those of the
    branch here."""

    sha: str
    ahead: int
    behind: int


class Branch(BaseModel):
    """A branch against the default one. ``mergeable`` is known while its card is in review, ``remote`` once
    the remote was asked and has one of this name, ``checks`` of the default branch where there are any."""

    name: str
    sha: str
    ahead: int
    behind: int
    subject: str
    author: str
    committed_at: str
    is_default: bool
    is_merged: bool
    mergeable: bool | None
    card: BranchCard | None
    remote: RemoteBranch | None
    checks: DefaultChecks | None


class Commit(BaseModel):
    """A commit of the graph; ``refs`` are the branches and tags that point at it."""

    sha: str
    parents: list[str]
    subject: str
    author_name: str
    author_email: str
    committed_at: str
    refs: list[str]


class RecoveredWork(BaseModel):
    """What an attempt pushed after it had lost its lease. ``commits`` are those that the card's branch
    has not, the size is that of all of it against the base. ``is_unfinished``: a snapshot of a work
    tree in which nothing could be committed, as in the middle of a rebase."""

    sha: str
    job_id: str
    attempt: int
    subject: str
    committed_at: str
    commits: int
    additions: int
    deletions: int
    files: int
    is_unfinished: bool


class RecoveredRequest(Model):
    """Which recovered work, by its commit."""

    sha: str = Field(pattern=r"^[0-9a-f]{40}$")


class Seen(Model):
    """What a preview showed: the branch here, and at the remote, null when it was not there."""

    sha: Sha
    remote_sha: Sha | None


class LandTarget(Model):
    """Which branch is to go where; to the repository's remote when none is named."""

    branch: Line = Field(min_length=1, max_length=255)
    remote_url: Line | None = Field(None, max_length=2000)


class LandRequest(LandTarget):
    """What to push where. With ``seen`` that is what a preview showed, or nothing."""

    seen: Seen | None = None


class MergeRemoteRequest(LandTarget):
    """What to merge from where: what a preview showed, or nothing."""

    seen: Seen


class LandPreview(BaseModel):
    """What landing would push. ``remote_sha`` is null while the remote has no branch of this name.

    ``ahead`` and ``behind`` count the commits that the remote has not, and those that are not here (null
    where they were not fetched); ``commits`` and ``remote_commits`` are the first of them. ``mergeable`` and
    ``conflicts`` say whether the remote's can be merged in, where it has any.
    """

    branch: str
    sha: str
    remote_url: str
    remote_sha: str | None
    remote_default: str | None
    state: LandState
    ahead: int
    behind: int | None
    commits: list[Commit]
    remote_commits: list[Commit]
    mergeable: bool | None
    conflicts: list[str]


class LandedRequest(Model):
    """What was pushed where by someone's own git."""

    branch: Line = Field(min_length=1, max_length=255)
    sha: Sha
    remote_url: Line = Field(min_length=1, max_length=2000)


class Landed(BaseModel):
    """``pushed`` is false when the remote had it already."""

    branch: str
    sha: str
    remote_url: str
    pushed: bool
