"""Open a card's pull request on its forge, and look how far it is.

Asked again it finds what is open and links it, so a lost answer, a crash or a second click opens no second
one. What the forge and git do happens outside of every transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lazyaf.domain.cards import CardStatus
from lazyaf.domain.errors import Conflict, Invalid
from lazyaf.domain.events import Actor, EventType
from lazyaf.domain.forges import (
    PULL_BODY_MAX,
    PULL_TITLE_MAX,
    ForgeRepo,
    Look,
    NewPull,
    Pull,
    compare_url,
    kind_of,
    noun_of,
    place_of,
    pull_number,
)
from lazyaf.services.announce import card_changed
from lazyaf.services.card_branch import base_of
from lazyaf.services.card_ends import card_and_repo
from lazyaf.services.context import Context
from lazyaf.services.forge_place import forge_of
from lazyaf.services.forge_token import token_for
from lazyaf.services.land_branch import Seen, land_branch
from lazyaf.services.pull_text import pull_body
from lazyaf.services.repositories import require_branch
from lazyaf.services.views import card_view
from lazyaf.store.cards import CardRow, get_card, set_fields
from lazyaf.store.repos import RepoRow
from lazyaf.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person says of a pull request; None is what `draft_pull` says. ``push`` is False when the
    branch is on the remote already; what was ``seen`` is what is pushed, or nothing."""

    title: str | None = None
    body: str | None = None
    base: str | None = None
    push: bool = True
    seen: Seen | None = None


@dataclass(frozen=True, slots=True)
class _Subject:
    """A card, its repository, and what would be written."""

    card: CardRow
    repo: RepoRow
    body: str

    @property
    def base(self) -> str:
        return base_of(self.card, self.repo)


async def draft_pull(ctx: Context, card_id: str) -> dict[str, Any]:
    """What would be opened where, whether the server can, and else why not and where a person can."""
    subject = await ctx.db.read(_subject, card_id)
    card, repo = subject.card, subject.repo
    place = place_of(repo.remote_url or "")
    reason: Conflict | None = None
    try:
        at: ForgeRepo | None = forge_of(repo)
    except Conflict as unknown:
        at, reason = None, unknown
    try:
        _require_pushable(card)
        if at is not None:
            token_for(ctx.keys, repo, at)
    except Conflict as missing:
        reason = missing
    kind = at.kind if at is not None else kind_of(place.host) if place is not None else None
    page = None
    if place is not None and card.branch_name:
        page = compare_url(kind, place, subject.base, card.branch_name)
    return {
        "title": card.title,
        "body": subject.body,
        "branch": card.branch_name,
        "base": subject.base,
        "host": place.host if place is not None else None,
        "repository": place.path if place is not None else None,
        "noun": noun_of(kind),
        "ready": reason is None,
        "code": reason.code if reason is not None else None,
        "reason": reason.detail if reason is not None else None,
        "compare_url": page,
    }


async def open_pull_request(
    ctx: Context, card_id: str, wanted: Wanted, actor: Actor
) -> dict[str, Any]:
    """Push the card's branch, open its pull request or find the open one, and note it on the card;
    returns the card.

    Raises as `land_branch` and `lazyaf.domain.ports.Forges`, and `Conflict` ``forge_unknown``,
    ``forge_token_wanted`` or ``nothing_to_pull``.
    """
    return await ctx.background.finish(_open(ctx, card_id, wanted, actor))


async def _open(ctx: Context, card_id: str, wanted: Wanted, actor: Actor) -> dict[str, Any]:
    async with ctx.job_locks.hold(f"pull:{card_id}"):
        subject = await ctx.db.read(_subject, card_id)
        repo = subject.repo
        branch = _require_pushable(subject.card)
        new = _new_pull(subject, branch, wanted)
        at = forge_of(repo)
        token = token_for(ctx.keys, repo, at)
        if wanted.push:
            await land_branch(ctx, repo.id, branch, None, actor, seen=wanted.seen)
        pull = await ctx.forges.open(at, token, new)
        await ctx.db.write(_note_opened, card_id, pull, actor, ctx.clock.now())
    return await ctx.db.read(card_view, card_id)


def _subject(tx: Tx, card_id: str) -> _Subject:
    card, repo = card_and_repo(tx, card_id)
    return _Subject(card, repo, pull_body(tx, card))


def _require_pushable(card: CardRow) -> str:
    """The branch of a card whose work others can look at."""
    number = f"Card #{card.number}"
    if card.status == CardStatus.IN_PROGRESS.value:
        raise Conflict(
            f"{number} is still being worked on. Open it when the card is in review.",
            code="nothing_to_pull",
        )
    if card.no_changes and not card.files:
        raise Conflict(
            f"{number} changes nothing, so there is nothing to open a pull request for.",
            code="nothing_to_pull",
        )
    if card.branch_name is None or card.head_sha is None:
        raise Conflict(
            f"{number} has no branch yet. Start it, and open a pull request for what comes of it.",
            code="nothing_to_pull",
        )
    return card.branch_name


def _new_pull(subject: _Subject, branch: str, wanted: Wanted) -> NewPull:
    title = (subject.card.title if wanted.title is None else wanted.title).strip()
    body = subject.body if wanted.body is None else wanted.body
    base = wanted.base or subject.base
    require_branch(base, field="base")
    if not 1 <= len(title) <= PULL_TITLE_MAX:
        raise Invalid.field("title", f"A title has 1 to {PULL_TITLE_MAX} characters.")
    if len(body) > PULL_BODY_MAX:
        raise Invalid.field("body", f"A description has {PULL_BODY_MAX:,} characters at most.")
    if base == branch:
        raise Invalid.field("base", "A branch cannot go into itself.")
    return NewPull(title, body, branch, base)


def _note_opened(tx: Tx, card_id: str, pull: Pull, actor: Actor, now: str) -> None:
    values = {"pr_url": pull.url, "pr_state": pull.state.value, "pr_note": None, "updated_at": now}
    get_card(tx, card_id)
    set_fields(tx, card_id, values, None)
    card_changed(tx, EventType.CARD_PR_OPENED, card_id, actor)


async def refresh_pull(ctx: Context, card_id: str, actor: Actor) -> dict[str, Any]:
    """Ask the forge now how far the card's pull request is; returns the card.

    Raises what the forge refuses, and `Conflict` ``no_pull_request``.
    """
    card, repo = await ctx.db.read(card_and_repo, card_id)
    look = await look_at(ctx, card, repo, None)
    if look.pull is not None:
        await note_look(ctx, card, look.pull, None, actor)
    return await ctx.db.read(card_view, card_id)


async def look_at(ctx: Context, card: CardRow, repo: RepoRow, etag: str | None) -> Look:
    """What the forge says of the card's pull request. Raises as `refresh_pull`."""
    at = forge_of(repo)
    number = pull_number(at, card.pr_url or "")
    if number is None:
        said = f"“{card.pr_url}” is no {at.noun} of {at.path} on {at.host}" if card.pr_url else None
        raise Conflict(
            f"{said or f'Card #{card.number} has no {at.noun}'}, so nobody can say how far it is.",
            code="no_pull_request",
        )
    return await ctx.forges.look(at, token_for(ctx.keys, repo, at), number, etag)


async def note_look(
    ctx: Context, card: CardRow, pull: Pull | None, note: str | None, actor: Actor
) -> bool:
    """Write down what a look found, or why it found nothing; whether that is news."""
    state = pull.state.value if pull is not None else card.pr_state
    if (state, note) == (card.pr_state, card.pr_note):
        return False
    return await ctx.db.write(
        _note_look, card.id, card.pr_url, {"pr_state": state, "pr_note": note}, actor
    )


def _note_look(
    tx: Tx, card_id: str, seen: str | None, values: dict[str, Any], actor: Actor
) -> bool:
    card = get_card(tx, card_id)
    if card.pr_url != seen:  # another one meanwhile
        return False
    set_fields(tx, card_id, values, None)
    card_changed(tx, EventType.CARD_PR_CHANGED, card_id, actor)
    return True
