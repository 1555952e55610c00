"""What attempts left that had lost their lease, and nobody came back for (rules.md R7)."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from lazyaf.domain.cards import CardStatus
from lazyaf.domain.errors import NotFound
from lazyaf.store.cards import get_card
from lazyaf.store.jobs import get_attempt, get_job
from lazyaf.store.tx import Tx

KEEP: Final = timedelta(days=7)
"""How long an orphan is kept after the last moment at which its attempt could still leave it, which
is itself seven days after the attempt's end."""

_ORPHAN: Final = re.compile(r"refs/lazyaf/jobs/([^/]+)/orphan/(\d+)(?:/.*)?")


def expired_orphans(tx: Tx, found: Collection[str], now: str) -> list[str]:
    """Those of the refs below ``refs/lazyaf/jobs/`` that are orphans and old enough to go.

    One that a card still names stays: its job is the card's last one, and the card is not done.
    """
    before = datetime.fromisoformat(now) - 2 * KEEP
    return [ref for ref in found if _ORPHAN.fullmatch(ref) and _is_expired(tx, ref, before)]


def _is_expired(tx: Tx, name: str, before: datetime) -> bool:
    matched = _ORPHAN.fullmatch(name)
    assert matched is not None  # noqa: S101 - the caller chose the names by it
    job_id, number = matched[1], int(matched[2])
    attempt = get_attempt(tx, job_id, number)
    if attempt is None:  # its card was deleted, or it is from after the backup that was restored
        return made_at(job_id) < before
    if attempt.ended_at is None or datetime.fromisoformat(attempt.ended_at) > before:
        return False
    return not _is_named(tx, job_id)


def made_at(job_id: str) -> datetime:
    """When the job of this id was made, which a UUIDv7 tells; of any other id, long ago."""
    try:
        found = UUID(job_id)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
    milliseconds = found.int >> 80 if found.version == 7 else 0
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _is_named(tx: Tx, job_id: str) -> bool:
    """Whether the job is the last one of a card that is not done."""
    try:
        card = get_card(tx, get_job(tx, job_id).card)
    except NotFound:
        return False
    return card.job_id == job_id and card.status != CardStatus.DONE
