"""Saved views: named filters of a board."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from lazyaf.web.schemas.base import Line, Model

NAME_MAX = 60
QUERY_MAX = 500

ViewName = Annotated[
    Line, StringConstraints(min_length=1, max_length=NAME_MAX, strip_whitespace=True)
]
ViewQuery = Annotated[
    Line, StringConstraints(min_length=1, max_length=QUERY_MAX, strip_whitespace=True)
]


class SavedView(BaseModel):
    """A filter with a name. ``repo_id`` is the repository of its board, null for the board of all."""

    id: str
    repo_id: str | None
    name: str
    query: str
    created_at: str


class NewView(Model):
    """A filter to keep."""

    name: ViewName
    query: ViewQuery = Field(description="In the words of the filter box.")
    repo: Line | None = Field(
        None,
        max_length=100,
        description="The board's repository, by id or name; none: that of all.",
    )


class ViewPatch(Model):
    """What to change of a saved view."""

    name: ViewName | None = None
    query: ViewQuery | None = None
