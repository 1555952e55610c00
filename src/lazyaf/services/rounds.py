"""A card's rounds: each run of its agent, and what it alone has changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lazyaf.domain.errors import NotFound
from lazyaf.domain.jobs import OPEN, JobKind, JobStatus
from lazyaf.git import diff
from lazyaf.git.interdiff import Carried, Interdiff, base_moved, interdiff
from lazyaf.services.card_ends import Ends, card_and_repo, card_ends
from lazyaf.services.context import Context
from lazyaf.store.cards import CardRow
from lazyaf.store.jobs import JobRow, jobs_of_card
from lazyaf.store.repos import RepoRow
from lazyaf.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Round:
    """A run of the agent. ``before`` is the head that it began on, None where there was no branch or it was
    to begin anew; ``after`` the one that it left, or has come to so far. ``base`` is the tip of the base that
    it was given."""

    number: int
    job: JobRow
    before: str | None
    after: str | None
    base: str | None


def rounds_of(tx: Tx, card_id: str) -> list[Round]:
    """The rounds of a card, the oldest first."""
    rounds: list[Round] = []
    former: str | None = None
    for job in reversed(jobs_of_card(tx, card_id)):
        if job.kind != JobKind.AGENT.value:
            continue
        # Jobs of before this was written down began where the one before them had ended.
        start = job.start_sha or former
        after = former = job.head_sha or start
        if job.request.get("fresh") and after != start:
            start = None
        rounds.append(Round(len(rounds) + 1, job, start, after, job.base_sha))
    return rounds


def numbers_of(tx: Tx, card_id: str) -> dict[str, int]:
    """The number of each round, by its job."""
    return {each.job.id: each.number for each in rounds_of(tx, card_id)}


async def list_rounds(ctx: Context, card_id: str) -> list[dict[str, Any]]:
    """The rounds of a card, the oldest first, as a client sees them."""
    card, _, rounds = await ctx.db.read(_look, card_id)
    return [await _view(ctx, card, each) for each in rounds]


def _look(tx: Tx, card_id: str) -> tuple[CardRow, RepoRow, list[Round]]:
    return *card_and_repo(tx, card_id), rounds_of(tx, card_id)


async def _view(ctx: Context, card: CardRow, each: Round) -> dict[str, Any]:
    job, moved = each.job, False
    if each.before and each.after and each.base and each.before != each.after:
        moved = await base_moved(ctx.git, card.repo_id, each.base, each.before, each.after)
    return {
        "number": each.number,
        "job_id": job.id,
        "agent": job.agent,
        "status": job.status,
        "stop_reason": job.stop_reason,
        "message": job.request.get("message", ""),
        "comments": [c["number"] for c in job.request.get("comments", []) if c.get("number")],
        "base_sha": each.base,
        "before_sha": each.before,
        "after_sha": None if JobStatus(job.status) in OPEN else each.after,
        "base_moved": moved,
        "created_at": job.created_at,
        "completed_at": job.completed_at,
    }


async def round_diff(
    ctx: Context, card_id: str, number: int, path: str | None = None, skip: int = 0
) -> tuple[Ends, Interdiff]:
    """What one round has changed, or has so far; ``path`` and ``skip`` as in `lazyaf.git.diff.diff`. Raises
    `NotFound`."""
    card, repo, rounds = await ctx.db.read(_look, card_id)
    if not 1 <= number <= len(rounds):
        raise NotFound(f"Card #{card.number} has no round {number}.")
    each, ends = rounds[number - 1], await card_ends(ctx, card, repo)
    after = each.after
    base = each.base or ends.base_sha
    if after is None:
        return ends, Interdiff(diff.Diff(base, base, diff.NOTHING, []), Carried.DIRECT, [])
    if each.before is None:
        found = await diff.diff(ctx.git, repo.id, base, after, path=path, skip=skip)
        return ends, Interdiff(found, Carried.DIRECT, [])
    return ends, await interdiff(ctx.git, repo.id, base, each.before, after, path=path, skip=skip)
