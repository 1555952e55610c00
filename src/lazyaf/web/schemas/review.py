"""What is said about a card's changes, and the rounds in which they were made."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, Field, model_validator

from lazyaf.domain.comments import BODY_MAX, CommentState, Side
from lazyaf.domain.jobs import JobStatus, StopReason
from lazyaf.domain.suggestions import TEXT_MAX
from lazyaf.web.schemas.base import Model, Prose, Sha

LAST_LINE = 2**31 - 1


class NewComment(Model):
    """A comment to send. ``line`` is its last line, ``start_line`` its first when there are several; without
    lines it is about the file.

    ``base_sha`` and ``head_sha`` are the ends of the diff in which it was written: lines of the side ``old``
    count in the file at the one, of ``new`` at the other. Left out, they are those of the card's changes.
    """

    path: Prose = Field(min_length=1, max_length=4096)
    side: Side = Side.NEW
    start_line: int | None = Field(None, ge=1, le=LAST_LINE)
    line: int | None = Field(None, ge=1, le=LAST_LINE)
    body: Prose = Field(min_length=1, max_length=BODY_MAX)
    base_sha: Sha | None = None
    head_sha: Sha | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.start_line is not None and (self.line is None or self.start_line > self.line):
            raise ValueError("start_line comes before line")
        return self


class NewSuggestion(Model):
    """``text`` instead of the lines from ``start_line`` (or of ``line`` alone) to ``line`` of the file on the
    branch; empty, it takes them away."""

    path: Prose = Field(min_length=1, max_length=4096)
    start_line: int | None = Field(None, ge=1, le=LAST_LINE)
    line: int = Field(ge=1, le=LAST_LINE)
    text: Prose = Field(max_length=TEXT_MAX)


class SuggestionsRequest(Model):
    """``head_sha`` is the commit at which their lines are counted, and where the branch must be."""

    head_sha: Sha
    suggestions: list[NewSuggestion] = Field(min_length=1, max_length=100)


class CommentPlace(BaseModel):
    """Where a comment's lines stand now, on its own side."""

    path: str
    start_line: int | None
    line: int | None


class Reply(BaseModel):
    """What the agent said that it did about a comment; ``seq`` is the entry of the job's log."""

    job_id: str
    seq: int
    text: str
    at: str


class ReviewComment(BaseModel):
    """A comment that was sent with the round of ``job_id``, and what came of it.

    ``at`` is where its lines are in the card's present changes, null when they were changed since or are gone.
    """

    number: int
    card_id: str
    job_id: str
    round: int
    path: str
    side: Side
    start_line: int | None
    line: int | None
    body: str
    base_sha: str
    head_sha: str
    author: str
    created_at: str
    state: CommentState
    at: CommentPlace | None
    reply: Reply | None
    resolved_by: str | None
    resolved_at: str | None


class Round(BaseModel):
    """A run of the card's agent. ``before_sha`` and ``after_sha`` are the heads of the branch around it: null
    where there was no branch, or is no end yet. ``base_moved``: the base came in, or the branch was rebased.
    ``comments`` are the numbers of those that the agent was given."""

    number: int
    job_id: str
    agent: str
    status: JobStatus
    stop_reason: StopReason | None
    message: str
    comments: list[int]
    base_sha: str | None
    before_sha: str | None
    after_sha: str | None
    base_moved: bool
    created_at: str
    completed_at: str | None
