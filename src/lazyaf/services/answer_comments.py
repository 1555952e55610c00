"""What the agent has said about the comments that it was given, found in its log when its round ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lazyaf.domain.comments import answers_in
from lazyaf.protocol.entries import EntryKind
from lazyaf.store.comments import update_comment
from lazyaf.store.jobs import JobRow, get_job
from lazyaf.store.logs import SEQ_MAX, entries_before
from lazyaf.store.tx import Tx

PAGE: Final = 500
MOST: Final = 5_000
"""Entries that are looked at, from the end: an agent was asked to answer with its last words."""
_SPOKEN: Final = frozenset({EntryKind.MESSAGE.value, EntryKind.STDOUT.value})
"""Kinds in which an agent speaks for itself: what a tool printed is none of it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """To the comment with this number, in the log's entry ``seq``."""

    number: int
    seq: int
    text: str


def answers_of(tx: Tx, job_id: str) -> list[Answer]:
    """The last word of the job about each comment that it was asked about. Reads no log when there is
    none."""
    asked = {comment.get("number") for comment in get_job(tx, job_id).request.get("comments", [])}
    missing = asked - {None}
    found: list[Answer] = []
    before, seen = SEQ_MAX, 0
    while missing and before > 1 and seen < MOST:
        entries = entries_before(tx, job_id, before, PAGE)
        if not entries:
            break
        for entry in reversed(entries):
            if entry["kind"] in _SPOKEN:
                said = answers_in(entry.get("text", ""))
                found += [Answer(n, entry["seq"], said[n]) for n in sorted(missing & set(said))]
                missing -= set(said)
        before, seen = entries[0]["seq"], seen + len(entries)
    return found


def record_answers(tx: Tx, job: JobRow, answers: Sequence[Answer], now: str) -> None:
    """Put each answer to its comment."""
    for answer in answers:
        update_comment(
            tx,
            job.card,
            answer.number,
            {
                "reply_job_id": job.id,
                "reply_seq": answer.seq,
                "reply": answer.text.replace("\0", "\ufffd"),  # PostgreSQL keeps none
                "replied_at": now,
            },
        )
