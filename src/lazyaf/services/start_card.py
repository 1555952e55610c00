"""Start a card: a first run, a retry, or another round with review comments.

One way for all three: a job is queued, in the transaction that moves the card.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy.exc import IntegrityError

from lazyaf.domain.cards import CardCommand, CardStatus, allowed_commands, branch_name
from lazyaf.domain.checks import CHECKS
from lazyaf.domain.errors import Conflict, IllegalTransition
from lazyaf.domain.events import SERVER, Actor, EventType
from lazyaf.domain.jobs import JobStatus
from lazyaf.domain.repo_settings import RepoSettings, effective
from lazyaf.git import refs
from lazyaf.git.track import Place
from lazyaf.services.announce import card_changed, job_changed
from lazyaf.services.card_branch import branch_ref
from lazyaf.services.card_ends import card_ends
from lazyaf.services.cards import apply_command, refuse_while
from lazyaf.services.comment_card import NewComment, comments_for
from lazyaf.services.comment_places import places_now
from lazyaf.services.context import Context
from lazyaf.services.protect_branches import require_unprotected
from lazyaf.services.views import settings_of
from lazyaf.store.board import FullCard
from lazyaf.store.card_at_hand import card_at_hand
from lazyaf.store.cards import CardRow
from lazyaf.store.comments import insert_comments, open_comments
from lazyaf.store.holds import AGENT, Circumstances, read_circumstances
from lazyaf.store.jobs import JobRow, insert_job, last_job
from lazyaf.store.repos import RepoRow
from lazyaf.store.tx import Tx


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What a person asks of this run beyond the card. ``fresh`` begins anew at the base."""

    message: str = ""
    comments: tuple[NewComment, ...] = ()
    fresh: bool = False


async def start_card(
    ctx: Context, card_id: str, command: CardCommand, request: RunRequest, actor: Actor
) -> FullCard:
    """Queue a job for the card; returns the card."""
    found = await ctx.db.read(card_at_hand, card_id)
    ground = await _ground(ctx, found.card, found.repo)
    if found.is_discussed and not request.fresh:
        ground = replace(ground, comments=await _places(ctx, found.card, found.repo))
    return await ctx.db.write(
        _start, card_id, ctx.new_id(), command, request, ground, actor, ctx.clock.now()
    )


@dataclass(frozen=True, slots=True)
class Ground:
    """Where a card can begin: the tip of its base, the prefix for its branch, and where its open comments
    stand now."""

    base_sha: str
    prefix: str
    comments: Mapping[int, Place] = field(default_factory=dict)


async def _places(ctx: Context, card: CardRow, repo: RepoRow) -> dict[int, Place]:
    """Of those that no agent has answered yet; where one's lines were changed, its file alone is told."""
    waiting = await ctx.db.read(open_comments, card.id)
    places = await places_now(ctx, repo.id, await card_ends(ctx, card, repo), waiting)
    return {
        comment.number: place or Place(comment.path)
        for comment, place in zip(waiting, places, strict=True)
    }


async def _ground(ctx: Context, card: CardRow, repo: RepoRow) -> Ground:
    """Refuse to start where there is nothing to work on, saying how to bring it; choose the prefix of
    card branches, or one like it when a branch stands in its way (rules.md R16)."""
    if not repo.is_ingested:
        raise Conflict(
            f"{repo.name} has no content yet. Run `lazyaf ingest PATH --name {repo.name}` in a "
            "terminal, then start the card.",
            code="not_ingested",
        )
    base = card.base_branch or repo.default_branch
    wanted = effective(repo.settings, repo.file_settings).branch_prefix
    blockers = {p: refs.blockers(p) for p in (wanted, f"{wanted}-cards", f"{wanted}-work")}
    names = {branch_ref(base), *(name for each in blockers.values() for name in each)}
    tips = await refs.tips(ctx.git, repo.id, names)
    if branch_ref(base) not in tips:
        raise Conflict(
            f"There is no branch “{base}” in {repo.name}. Push it with `lazyaf ingest PATH --name "
            f"{repo.name} --branch {base}`, or choose another base branch in the card.",
            code="no_base_branch",
        )
    free = (prefix for prefix, each in blockers.items() if not tips.keys() & set(each))
    return Ground(tips[branch_ref(base)], next(free, wanted))


def _start(
    tx: Tx,
    card_id: str,
    job_id: str,
    command: CardCommand,
    request: RunRequest,
    ground: Ground,
    actor: Actor,
    now: str,
) -> FullCard:
    found, circumstances = card_at_hand(tx, card_id), read_circumstances(tx)
    card, repo = found.card, found.repo
    refuse_while(card, found.doing)
    _refuse_while_stopping(card, command)
    settings = settings_of(repo, circumstances.settings.get(AGENT))
    _require_agent(circumstances, card.agent or settings.agent)
    branch = card.branch_name or branch_name(ground.prefix, card.number, card.title)
    require_unprotected(repo, card, branch)
    is_sent_back = actor == SERVER and command is CardCommand.REQUEST_CHANGES
    # The card first: an illegal command must be refused as such, not as a second open job.
    values = {
        "job_id": job_id,
        "branch_name": branch,
        "failure": None,
        "no_changes": False,
        "branch_deleted": False,  # if it is, the job makes it anew
        "fix_rounds": card.fix_rounds + 1 if is_sent_back else 0,
    }
    moved = apply_command(tx, card, command, values, now)
    at = replace(card, position=moved.position)
    comments = comments_for(tx, card.id, job_id, request.comments, ground.comments, actor, now)
    asked = {
        "message": request.message,
        "comments": list(comments.told),
        "fresh": request.fresh,
    }
    job = _queue(tx, at, job_id, settings, asked, ground.base_sha, now)
    insert_comments(tx, comments.rows)
    started = card_changed(tx, moved.event, card_id, actor, circumstances)
    job_changed(tx, EventType.JOB_QUEUED, job_id, actor, job, started)
    return started


def _require_agent(circumstances: Circumstances, agent: str) -> None:
    """Refuse what no connected runner could work, with the reason that they give; when none is
    connected the job waits for one. What stands for checks in the queue is no agent."""
    if agent == CHECKS:
        raise Conflict(
            f"No agent is called “{agent}”. Choose another agent in the card.",
            code="agent_unavailable",
            extra={"agent": agent},
        )
    found = (*circumstances.offers, *circumstances.last_offers)
    offers = [offer for offers in found for offer in offers if offer["name"] == agent]
    if not found or any(offer.get("available", True) for offer in offers):
        return
    reason = offers[0].get("reason") if offers else f"No runner knows the agent “{agent}”."
    fix = offers[0].get("fix") if offers else "Choose another agent in the card."
    raise Conflict(f"{reason} {fix}".strip(), code="agent_unavailable", extra={"agent": agent})


def _refuse_while_stopping(card: CardRow, command: CardCommand) -> None:
    if card.status == CardStatus.IN_PROGRESS.value:
        raise IllegalTransition(
            f"Card #{card.number} is already being worked on. Cancel its job first if you want to "
            f"{command.value.replace('_', ' ')} it.",
            allowed=allowed_commands(CardStatus.IN_PROGRESS),
        )


def _queue(
    tx: Tx,
    card: CardRow,
    job_id: str,
    settings: RepoSettings,
    request: dict[str, Any],
    base_sha: str,
    now: str,
) -> JobRow:
    agent = card.agent or settings.agent
    newest = None if request["fresh"] else last_job(tx, card.id)
    is_other = newest is not None and newest.agent != agent
    last = last_job(tx, card.id, agent) if is_other else newest
    kept = newest if newest is not None and newest.checkpoint_sha else None
    try:
        return insert_job(
            tx,
            {
                "id": job_id,
                "repo_id": card.repo_id,
                "card_id": card.id,
                "status": JobStatus.QUEUED.value,
                "agent": agent,
                "request": request,
                "priority": card.priority,
                "position": card.position,
                "phase": "queued",
                "base_sha": base_sha,
                "start_sha": card.head_sha,
                "session_id": last.session_id if last is not None else None,
                "head_sha": kept.head_sha if kept is not None else None,
                "checkpoint_sha": kept.checkpoint_sha if kept is not None else None,
                "created_at": now,
            },
        )
    except IntegrityError:
        raise Conflict(
            f"Card #{card.number} has a job that is not over.", code="job_open"
        ) from None
