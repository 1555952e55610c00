"""What a pull request says when nobody writes something better: the card, and the agent's last words."""

from __future__ import annotations

from typing import Final

from lazyaf.domain.forges import PULL_BODY_MAX
from lazyaf.protocol.entries import EntryKind
from lazyaf.store.cards import CardRow
from lazyaf.store.jobs import get_job
from lazyaf.store.logs import entries_before
from lazyaf.store.tx import Tx

SUMMARY_MAX: Final = 4000
"""Characters of the agent's words; they are a summary or they are too long for one."""
LOOKED_AT: Final = 500
"""Entries at the end of the log among which they are looked for."""


def pull_body(tx: Tx, card: CardRow) -> str:
    """The description, what the agent said last, and whose card it is."""
    summary = _last_words(tx, card)
    parts = [card.description.strip(), f"## What was done\n\n{summary}" if summary else ""]
    body = "\n\n".join(part for part in parts if part)
    end = f"LazyAF card #{card.number}"
    room = PULL_BODY_MAX - len(end) - 10
    if len(body) > room:
        body = f"{body[:room]} …"
    return f"{body}\n\n{end}\n" if body else f"{end}\n"


def _last_words(tx: Tx, card: CardRow) -> str:
    """The last message of the card's last agent."""
    if card.job_id is None:
        return ""
    job = get_job(tx, card.job_id)
    for entry in reversed(entries_before(tx, job.id, job.log_seq + 1, LOOKED_AT)):
        text = str(entry.get("text") or "").strip()
        if entry.get("kind") == EntryKind.MESSAGE and text:
            return text if len(text) <= SUMMARY_MAX else f"{text[:SUMMARY_MAX]} …"
    return ""
