"""Comments on their way to the agent: those that are new become rows, those that are open go along again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lazyaf.domain.events import Actor
from lazyaf.git.track import Place
from lazyaf.store.comments import CommentRow, last_number, open_comments
from lazyaf.store.tx import Tx


@dataclass(frozen=True, slots=True)
class NewComment:
    """What a person says about lines between two commits; the fields are those of `CommentRow`. ``at`` is
    where they are for the agent, when that is somewhere else."""

    path: str
    side: str
    start_line: int | None
    line: int | None
    body: str
    base_sha: str
    head_sha: str
    at: Place | None = None


@dataclass(frozen=True, slots=True)
class Comments:
    """Of one round: rows to be added, and all that is said to the agent, as its job's request has it."""

    rows: Sequence[CommentRow]
    told: Sequence[dict[str, Any]]


def comments_for(
    tx: Tx,
    card_id: str,
    job_id: str,
    new: Sequence[NewComment],
    earlier: Mapping[int, Place],
    actor: Actor,
    now: str,
) -> Comments:
    """The comments of a round that begins: the ``new`` ones, numbered, and of the card's open ones those
    that are ``earlier``, each at its present place."""
    first = last_number(tx, card_id) + 1 if new else 0
    rows = [
        CommentRow(
            card_id=card_id,
            number=number,
            job_id=job_id,
            path=comment.path,
            side=comment.side,
            start_line=comment.start_line,
            line=comment.line,
            body=comment.body,
            base_sha=comment.base_sha,
            head_sha=comment.head_sha,
            actor=str(actor),
            created_at=now,
        )
        for number, comment in enumerate(new, first)
    ]
    places = {number: comment.at for number, comment in enumerate(new, first)}
    waiting = open_comments(tx, card_id) if earlier else []
    again = [row for row in waiting if row.number in earlier]
    told = [_told(row, earlier[row.number]) for row in again]
    return Comments(rows, told + [_told(row, places[row.number]) for row in rows])


def _told(row: CommentRow, at: Place | None) -> dict[str, Any]:
    """As `lazyaf.protocol.messages.Comment`."""
    where = at or Place(row.path, row.start_line, row.line)
    several = where.start is not None and where.start != where.end
    return {
        "number": row.number,
        "path": where.path,
        "side": row.side,
        "start_line": where.start if several else None,
        "line": where.end,
        "body": row.body,
    }
