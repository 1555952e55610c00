"""What attempts left that had lost their lease, and nobody came back for (rules.md R7)."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final

import structlog

from lazyaf.domain.cards import CardStatus
from lazyaf.domain.errors import BranchMoved, NotFound
from lazyaf.git import refs
from lazyaf.git.refs import RefUpdate
from lazyaf.services.context import Context
from lazyaf.store.cards import get_card
from lazyaf.store.jobs import get_attempt, get_job
from lazyaf.store.tx import Tx

log = structlog.get_logger(__name__)

KEEP: Final = timedelta(days=7)
"""How long an orphan is kept after the last moment at which its attempt could still leave it, which
is itself seven days after the attempt's end."""

_ORPHAN: Final = re.compile(r"refs/lazyaf/jobs/([^/]+)/orphan/(\d+)(?:/.*)?")


async def expire_orphans(ctx: Context, repo_id: str) -> int:
    """Delete the refs of orphans that are old enough; how many.

    One that a card still names stays: its job is the card's last one, and the card is not done.
    """
    found = await refs.list_refs(ctx.git, repo_id, "refs/lazyaf/jobs/")
    orphans = {ref: sha for ref, sha in found.items() if _ORPHAN.fullmatch(ref)}
    if not orphans:
        return 0
    before = datetime.fromisoformat(ctx.clock.now()) - 2 * KEEP
    expired = await ctx.db.read(_expired, list(orphans), before)
    for ref in expired:
        try:
            await refs.update(ctx.git, repo_id, [RefUpdate(ref, None, orphans[ref])])
        except BranchMoved:
            continue
        log.info("orphan_expired", repo=repo_id, ref=ref, sha=orphans[ref])
    return len(expired)


def _expired(tx: Tx, names: list[str], before: datetime) -> list[str]:
    return [name for name in names if _is_expired(tx, name, before)]


def _is_expired(tx: Tx, name: str, before: datetime) -> bool:
    matched = _ORPHAN.fullmatch(name)
    assert matched is not None  # noqa: S101 - the caller chose the names by it
    job_id, number = matched[1], int(matched[2])
    attempt = get_attempt(tx, job_id, number)
    if attempt is None:  # its card was deleted
        return True
    if attempt.ended_at is None or datetime.fromisoformat(attempt.ended_at) > before:
        return False
    return not _is_named(tx, job_id)


def _is_named(tx: Tx, job_id: str) -> bool:
    """Whether the job is the last one of a card that is not done."""
    try:
        card = get_card(tx, get_job(tx, job_id).card_id)
    except NotFound:
        return False
    return card.job_id == job_id and card.status != CardStatus.DONE
