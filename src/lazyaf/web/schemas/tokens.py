"""Tokens, and the one-time codes that a browser gets one for."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from lazyaf.web.schemas.base import Line, Model


class TokenRequest(Model):
    """A name to know the token by."""

    name: Line = Field(min_length=1, max_length=100)


class Token(BaseModel):
    """A token without its text."""

    id: str
    kind: Literal["person", "runner"]
    name: str
    created_at: str
    last_used_at: str | None = None


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


class BrowserToken(BaseModel):
    """The token that the browser keeps."""

    token: str
