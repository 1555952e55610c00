"""Files that are attached to a card."""

from __future__ import annotations

from pydantic import BaseModel


class Attachment(BaseModel):
    """An attached file. ``media_type`` is found out of its bytes; ``size`` is in bytes."""

    id: str
    card_id: str
    name: str
    media_type: str
    size: int
    sha256: str
    created_at: str


class AttachmentLimits(BaseModel):
    """What a card may have: bytes of one file, how many files, bytes of all of them."""

    file: int
    count: int
    total: int


class AttachmentList(BaseModel):
    """A card's files, the oldest first."""

    items: list[Attachment]
    limits: AttachmentLimits
