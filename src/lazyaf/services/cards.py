"""Make, edit and delete cards. Moving them, and what makes one work, is in its own modules."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lazyaf.domain.cards import (
    DESCRIPTION_MAX,
    TITLE_MAX,
    CardCommand,
    CardStatus,
    apply,
)
from lazyaf.domain.errors import Conflict, Invalid, VersionConflict
from lazyaf.domain.events import Actor, EventType, NewEvent
from lazyaf.domain.forges import PullState, is_page
from lazyaf.domain.jobs import OPEN, JobStatus
from lazyaf.services.announce import card_changed
from lazyaf.store.attachments import hashes_of
from lazyaf.store.board import FullCard
from lazyaf.store.cards import (
    CardRow,
    get_card,
    insert_card,
    remove_card,
    set_fields,
    top_position,
    update_card,
)
from lazyaf.store.check_runs import open_check_job
from lazyaf.store.intents import find_intent
from lazyaf.store.jobs import get_job
from lazyaf.store.queue import end_of_queue, reorder
from lazyaf.store.queued_merges import remove_queued_merge
from lazyaf.store.repos import get_repo, take_number
from lazyaf.store.tx import Tx

EDITABLE = (
    "title",
    "description",
    "labels",
    "priority",
    "agent",
    "agent_options",
    "base_branch",
    "pr_url",
)


@dataclass(frozen=True, slots=True)
class NewCard:
    """What a person says of a new card."""

    title: str
    description: str = ""
    labels: list[str] = field(default_factory=list)
    priority: int = 0
    agent: str | None = None
    agent_options: dict[str, Any] = field(default_factory=dict)
    base_branch: str | None = None


def create_card(
    tx: Tx, card_id: str, repo_id: str, new: NewCard, actor: Actor, now: str
) -> dict[str, Any]:
    """Put a card at the top of To Do; returns it in full."""
    get_repo(tx, repo_id)
    require_text(new.title, new.description)
    insert_card(
        tx,
        {
            "id": card_id,
            "repo_id": repo_id,
            "number": take_number(tx, repo_id),
            "title": new.title.strip(),
            "description": new.description,
            "status": CardStatus.TODO.value,
            "position": top_position(tx, CardStatus.TODO.value),
            "labels": new.labels,
            "priority": new.priority,
            "agent": new.agent,
            "agent_options": new.agent_options,
            "base_branch": new.base_branch,
            "conflicts": [],
            "created_at": now,
            "updated_at": now,
        },
    )
    return card_changed(tx, EventType.CARD_CREATED, card_id, actor).view


def require_text(title: str | None, description: str | None) -> None:
    """Refuse an empty or overlong title, or an overlong description."""
    if title is not None and not 1 <= len(title.strip()) <= TITLE_MAX:
        raise Invalid.field("title", f"A title has 1 to {TITLE_MAX} characters.")
    if description is not None and len(description.encode()) > DESCRIPTION_MAX:
        raise Invalid.field("description", "A description has 64 KiB at most.")


def edit_card(
    tx: Tx, card_id: str, changes: dict[str, Any], if_match: int | None, actor: Actor, now: str
) -> FullCard:
    """Change fields of a card, never its status."""
    require_text(changes.get("title"), changes.get("description"))
    values = {name: changes[name] for name in EDITABLE if name in changes}
    if "title" in values:
        values["title"] = values["title"].strip()
    if "pr_url" in values:
        values |= _noted_pull(values["pr_url"])
    if not set_fields(tx, card_id, {**values, "updated_at": now}, if_match):
        card = get_card(tx, card_id)
        raise VersionConflict(
            f"Card #{card.number} is at version {card.version}, not {if_match}: it changed "
            "meanwhile. Load it again and retry your change."
        )
    if "priority" in values:
        reorder(tx, card_id, priority=values["priority"])
    return card_changed(tx, EventType.CARD_UPDATED, card_id, actor)


def _noted_pull(url: str | None) -> dict[str, Any]:
    """The columns of a pull request that someone opened elsewhere; nobody has looked at it yet."""
    if url and not is_page(url):
        raise Invalid.field("pr_url", "This is not the https:// address of a pull request.")
    state = PullState.UNKNOWN.value if url else None
    return {"pr_url": url or None, "pr_state": state, "pr_note": None}


def change_status(
    tx: Tx,
    card: CardRow,
    command: CardCommand,
    values: dict[str, Any],
    actor: Actor,
    now: str,
) -> FullCard:
    """Apply a command to a card and announce it; returns it as it is then."""
    moved = apply_command(tx, card, command, values, now)
    return card_changed(tx, moved.event, card.id, actor)


@dataclass(frozen=True, slots=True)
class Moved:
    """Where a command brought a card, and what is to be announced of it."""

    event: EventType
    position: float


def apply_command(
    tx: Tx, card: CardRow, command: CardCommand, values: dict[str, Any], now: str
) -> Moved:
    """`change_status`, without announcing it. A card that changes column goes to its top, into In Progress to
    its end: that column is the queue."""
    status = apply(CardStatus(card.status), command)
    changed: dict[str, Any] = {**values, "status": status.value, "updated_at": now}
    if status.value != card.status:
        changed["position"] = _entrance(tx, status)
    if card.status == CardStatus.IN_REVIEW.value:
        remove_queued_merge(tx, card.id)  # whatever it is, its approval is over
        changed["merge_state"] = None
    update_card(tx, card, changed)
    event = EventType.CARD_UPDATED if status.value == card.status else EventType.CARD_MOVED
    return Moved(event, changed.get("position", card.position))


def _entrance(tx: Tx, status: CardStatus) -> float:
    if status is CardStatus.IN_PROGRESS:
        return end_of_queue(tx)
    return top_position(tx, status.value)


def require_no_intent(tx: Tx, card: CardRow) -> None:
    """Refuse while an effect on git is under way for this card (rules.md R8)."""
    intent = find_intent(tx, card.id)
    refuse_while(card, intent.operation if intent is not None else None)


def refuse_while(card: CardRow, doing: str | None) -> None:
    """`require_no_intent`, of which the operation is known."""
    if doing is not None:
        raise Conflict(
            f"Card #{card.number} is just being {_DOING.get(doing, 'changed')}. "
            "Wait a moment and look again.",
            code="busy",
        )


_DOING = {"approve": "merged", "finish": "finished", "update": "updated"}


def delete_card(tx: Tx, card_id: str, actor: Actor) -> None:
    """Delete a card; its branch stays. Refused while its job is open."""
    card = get_card(tx, card_id)
    require_no_intent(tx, card)
    is_at_work = card.job_id is not None and JobStatus(get_job(tx, card.job_id).status) in OPEN
    if is_at_work or open_check_job(tx, card_id) is not None:
        raise Conflict(
            f"Card #{card.number} has a job that is not over. Cancel it first, then delete.",
            code="job_open",
        )
    files = hashes_of(tx, card_id=card_id)
    remove_card(tx, card_id)
    tx.emit(
        NewEvent(
            EventType.CARD_DELETED,
            card_id,
            actor,
            card.version + 1,
            {"id": card_id, "repo_id": card.repo_id, "files": files},
            card.repo_id,
        )
    )
