"""Secrets of a repository, of which no answer shows the value."""

from __future__ import annotations

from pydantic import BaseModel, SecretStr

from lazyaf.web.schemas.base import Model


class Secret(BaseModel):
    """A secret's name, and when its value was set."""

    name: str
    updated_at: str


class SecretList(BaseModel):
    """Every secret of a repository, by name."""

    items: list[Secret]


class SecretValue(Model):
    """What the setup command finds under the name."""

    value: SecretStr
