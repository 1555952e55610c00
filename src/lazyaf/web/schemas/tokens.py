"""Tokens and sessions, and what a browser gets one for: a one-time code or the password."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from lazyaf.services.password import MAX_LENGTH
from lazyaf.web.schemas.base import Line, Model


class TokenRequest(Model):
    """A name to know the token by."""

    name: Line = Field(min_length=1, max_length=100)


class Token(BaseModel):
    """A token without its text. A ``session`` is a browser's; it expires when it is not used.
    ``is_own`` marks the one that asks."""

    id: str
    kind: Literal["person", "session", "runner"]
    name: str
    created_at: str
    last_used_at: str | None = None
    expires_at: str | None = None
    is_own: bool = False


class NewToken(BaseModel):
    """A fresh token; its text is never shown again."""

    id: str
    kind: Literal["person", "runner"]
    name: str
    created_at: str
    token: str


class CodeRequest(Model):
    """A one-time code from the link that `lazyaf open` opened."""

    code: str = Field(max_length=200)


class Code(BaseModel):
    """A one-time code and the link that carries it in its fragment."""

    code: str
    url: str


Secret = Annotated[Line, StringConstraints(min_length=1, max_length=MAX_LENGTH)]


class LoginRequest(Model):
    """The password."""

    password: Secret


class PasswordRequest(Model):
    """A new password, and the current one when there is one."""

    password: Secret
    current: Secret | None = None


class BrowserToken(BaseModel):
    """The session's token, which the browser keeps."""

    token: str
