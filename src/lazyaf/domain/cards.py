"""The card: its statuses, the commands a person or a runner gives it, and where each leads.

The table is the whole truth about what may happen to a card; services call `apply` and never
compare statuses themselves.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from typing import Final

from lazyaf.domain.errors import IllegalTransition

TITLE_MAX: Final = 200
"""Characters in a title."""
DESCRIPTION_MAX: Final = 64 * 1024
"""Characters in a description."""
POSITION_STEP: Final = 1024.0
"""Distance between neighbours in a freshly spaced column."""
POSITION_MIN_GAP: Final = 1e-6
"""Below this distance a column is spaced anew."""


class CardStatus(StrEnum):
    """The five columns of the board. Edges: see `TRANSITIONS`."""

    TODO = "todo"
    IN_PROGRESS = "in_progress"
    IN_REVIEW = "in_review"
    DONE = "done"
    FAILED = "failed"


class CardCommand(StrEnum):
    """What can be asked of a card, by a person, by its job or by the server."""

    START = "start"
    RETRY = "retry"
    JOB_FINISHED = "job_finished"
    JOB_FAILED = "job_failed"
    CANCEL = "cancel"
    JOB_CANCELLED = "job_cancelled"
    REQUEST_CHANGES = "request_changes"
    APPROVE = "approve"
    REJECT = "reject"
    REOPEN = "reopen"
    ARCHIVE = "archive"
    UNARCHIVE = "unarchive"
    UPDATE_BRANCH = "update_branch"
    CLOSE = "close"
    WITHDRAW = "withdraw"


class UpdateMethod(StrEnum):
    """How `CardCommand.UPDATE_BRANCH` brings the base into a card's branch."""

    MERGE = "merge"
    REBASE = "rebase"


class Archived(StrEnum):
    """Whether a list shows the cards that were archived."""

    EXCLUDE = "exclude"
    ONLY = "only"
    INCLUDE = "include"


S, C = CardStatus, CardCommand

TRANSITIONS: Final[dict[tuple[CardStatus, CardCommand], CardStatus]] = {
    (S.TODO, C.START): S.IN_PROGRESS,
    (S.FAILED, C.START): S.IN_PROGRESS,
    (S.FAILED, C.RETRY): S.IN_PROGRESS,
    (S.IN_PROGRESS, C.JOB_FINISHED): S.IN_REVIEW,
    (S.IN_PROGRESS, C.JOB_FAILED): S.FAILED,
    (S.IN_PROGRESS, C.CANCEL): S.IN_PROGRESS,  # "stopping": the job still owns the branch
    (S.IN_PROGRESS, C.JOB_CANCELLED): S.TODO,
    (S.IN_REVIEW, C.REQUEST_CHANGES): S.IN_PROGRESS,
    (S.IN_REVIEW, C.APPROVE): S.DONE,
    (S.IN_REVIEW, C.REJECT): S.TODO,
    (S.IN_REVIEW, C.UPDATE_BRANCH): S.IN_REVIEW,  # other commits: what was seen is seen no more
    (S.IN_REVIEW, C.CLOSE): S.DONE,  # merged elsewhere: its pull request was
    (S.TODO, C.WITHDRAW): S.DONE,  # the server opened it, and what it was about is over
    (S.FAILED, C.REJECT): S.TODO,
    (S.DONE, C.REOPEN): S.TODO,
    (S.DONE, C.ARCHIVE): S.DONE,  # off the board, and nothing else
    (S.DONE, C.UNARCHIVE): S.DONE,
}

BY_PERSON: Final = frozenset(
    {
        C.START,
        C.RETRY,
        C.CANCEL,
        C.REQUEST_CHANGES,
        C.APPROVE,
        C.REJECT,
        C.REOPEN,
        C.UPDATE_BRANCH,
        C.ARCHIVE,
        C.UNARCHIVE,
        C.CLOSE,
    }
)
"""The commands that a person may give; the rest are consequences of a job, or the server's own."""

DROPS: Final[dict[tuple[CardStatus, CardStatus], CardCommand]] = {
    (S.TODO, S.IN_PROGRESS): C.START,
    (S.FAILED, S.IN_PROGRESS): C.RETRY,
    (S.IN_PROGRESS, S.TODO): C.CANCEL,
    (S.IN_REVIEW, S.TODO): C.REJECT,
    (S.FAILED, S.TODO): C.REJECT,
    (S.DONE, S.TODO): C.REOPEN,
}
"""The command that a drop on another column stands for. Done is missing on purpose: approving needs
the commit that was seen."""


def allowed_commands(status: CardStatus) -> list[str]:
    """The commands that a person may give in this status, sorted."""
    return sorted(c.value for (s, c) in TRANSITIONS if s is status and c in BY_PERSON)


def apply(status: CardStatus, command: CardCommand) -> CardStatus:
    """The status after the command, or `IllegalTransition` that says what is allowed."""
    try:
        return TRANSITIONS[status, command]
    except KeyError:
        allowed = allowed_commands(status)
        can = ", ".join(allowed) if allowed else "nothing"
        raise IllegalTransition(
            f"A card that is {status.value.replace('_', ' ')} cannot take "
            f"“{command.value.replace('_', ' ')}”. Possible now: {can}.",
            allowed=allowed,
        ) from None


def command_for_drop(source: CardStatus, target: CardStatus) -> CardCommand | None:
    """What dropping a card on a column means; None within its own column."""
    if source is target:
        return None
    try:
        return DROPS[source, target]
    except KeyError:
        reason = (
            "Open the review and approve the commit you have seen; that moves it to Done."
            if target is S.DONE and source is S.IN_REVIEW
            else f"A card cannot go from {source.value.replace('_', ' ')} "
            f"to {target.value.replace('_', ' ')} by dragging."
        )
        raise IllegalTransition(reason, allowed=allowed_commands(source)) from None


def slug(title: str, *, limit: int = 40) -> str:
    """A title as it can stand in a branch name: ASCII words joined by hyphens, never empty."""
    ascii_title = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", ascii_title).strip("-")
    if len(words) > limit:
        words = words[: limit + 1].rsplit("-", 1)[0][:limit].strip("-")
    return words or "card"


def branch_name(prefix: str, number: int, title: str) -> str:
    """The branch of a card, ``lazyaf/12-fix-the-login``."""
    return f"{prefix}/{number}-{slug(title)}"


def position_between(before: float | None, after: float | None) -> float | None:
    """A position between two neighbours (either may be absent), or None when there is no room."""
    if before is None:
        return 0.0 if after is None else after - POSITION_STEP
    if after is None:
        return before + POSITION_STEP
    if after - before < POSITION_MIN_GAP:
        return None
    return (before + after) / 2
