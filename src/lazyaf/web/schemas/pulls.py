"""Pull requests, and the forges that they are on."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field, SecretStr

from lazyaf.domain.forges import PULL_BODY_MAX, PULL_TITLE_MAX, ForgeKind
from lazyaf.web.schemas.base import Line, Model, Prose
from lazyaf.web.schemas.branches import Seen


class ForgeView(BaseModel):
    """The forge that a repository's remote is on; ``kind`` is null while nobody can tell which it is.

    ``noun`` is what a pull request is called there. ``has_token``: one is kept (``keeps_token``), or git's login
    serves; nobody is ever shown it.
    """

    host: str
    kind: ForgeKind | None
    name: str | None
    noun: str
    path: str
    api_url: str | None
    has_token: bool
    keeps_token: bool


class ForgeToken(Model):
    """A token that may open pull requests."""

    token: SecretStr = Field(max_length=4000)


class TokenTried(BaseModel):
    """What the kept token sees; ``may_write`` is its owner's right, null where the forge does not say."""

    repository: str
    may_write: bool | None
    archived: bool
    detail: str


class PullDraft(BaseModel):
    """What a card's pull request would say. ``ready``: the server can open it; else ``reason`` is a sentence
    with what to do, ``code`` its name, and ``compare_url`` the page on which a person opens one."""

    title: str
    body: str
    branch: str | None
    base: str
    host: str | None
    repository: str | None
    noun: Literal["pull request", "merge request"]
    ready: bool
    code: str | None
    reason: str | None
    compare_url: str | None


class PullRequestBody(Model):
    """What to open; null is what the draft says. ``push``: false when the branch is on the remote. With ``seen``
    what a preview of landing it showed is what is pushed, or nothing."""

    title: Line | None = Field(None, max_length=PULL_TITLE_MAX)
    body: Prose | None = Field(None, max_length=PULL_BODY_MAX)
    base: Line | None = Field(None, max_length=255)
    push: bool = True
    seen: Seen | None = None
