"""Work that a runner pushed after its lease was lost: shown beside its card, used or put aside (R7).

Such a runner can only create ``refs/lazyaf/jobs/<job>/orphan/<attempt>``. Using it moves the card's
branch by intent → effect → confirm (R8), so that no job begins meanwhile and a crash loses nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from lazyaf.domain.cards import CardStatus, allowed_commands
from lazyaf.domain.errors import IllegalTransition, NotFound
from lazyaf.domain.events import SERVER, Actor, EventType
from lazyaf.git import diff, orphans, refs
from lazyaf.git.orphans import Orphan
from lazyaf.git.refs import RefUpdate
from lazyaf.services.announce import card_changed
from lazyaf.services.card_branch import branch_ref
from lazyaf.services.cards import require_no_intent
from lazyaf.services.context import Context
from lazyaf.services.move_head import Move, archive_before, move_head
from lazyaf.services.views import card_view
from lazyaf.store.cards import CardRow, get_card
from lazyaf.store.jobs import get_job, jobs_of_card
from lazyaf.store.repos import RepoRow, get_repo
from lazyaf.store.tx import Tx

OPERATION: Final = "recover"
CHECKPOINT: Final = "Checkpoint"
"""What the walker says of a snapshot (`lazyaf.runner.walker.history`)."""
RESTING: Final = (CardStatus.TODO, CardStatus.IN_REVIEW, CardStatus.FAILED)


@dataclass(frozen=True, slots=True)
class Place:
    """A card, and under which refs its lost attempts may have left something, with their attempts."""

    card: CardRow
    repo: RepoRow
    attempts: dict[str, tuple[str, int]]

    @property
    def base(self) -> str:
        """The branch that the card goes into."""
        return self.card.base_branch or self.repo.default_branch


@dataclass(frozen=True, slots=True)
class Ground:
    """Where the card's branch (None: nowhere yet) and its base are, and what is under which ref."""

    base_sha: str
    branch_sha: str | None
    left: dict[str, str]


def orphan_ref(job_id: str, attempt: int) -> str:
    """Where an attempt that lost its lease leaves its work."""
    return f"refs/lazyaf/jobs/{job_id}/orphan/{attempt}"


def kept_ref(number: int, sha: str) -> str:
    """Where recovered work stays that is not on the card's branch."""
    return f"refs/lazyaf/archive/{number}/recovered/{sha}"


async def list_recovered(ctx: Context, card_id: str) -> list[dict[str, Any]]:
    """What lost attempts of a card left and its branch has not, the newest attempt first."""
    place = await ctx.db.read(_place, card_id)
    ground = await _ground(ctx, place)
    found: dict[str, dict[str, Any]] = {}
    if ground is None:
        return []
    for ref, sha in ground.left.items():
        orphan = await _orphan(ctx, place, ground, sha)
        if orphan.commits == 0 or sha in found:
            continue
        size = await diff.stat(ctx.git, place.repo.id, ground.base_sha, sha)
        job_id, attempt = place.attempts[ref]
        found[sha] = {
            "sha": sha,
            "job_id": job_id,
            "attempt": attempt,
            "subject": orphan.subject,
            "committed_at": orphan.committed_at,
            "commits": orphan.commits,
            "additions": size.additions,
            "deletions": size.deletions,
            "files": size.files,
            "is_unfinished": orphan.subject == CHECKPOINT,
        }
    return list(found.values())


def _place(tx: Tx, card_id: str) -> Place:
    card = get_card(tx, card_id)
    attempts = {
        orphan_ref(job.id, number): (job.id, number)
        for job in jobs_of_card(tx, card_id)
        for number in range(job.attempt, 0, -1)
    }
    return Place(card, get_repo(tx, card.repo_id), attempts)


async def _ground(ctx: Context, place: Place) -> Ground | None:
    """None while there is nothing to compare with."""
    if not place.attempts or not ctx.git.exists(place.repo.id):
        return None
    base, branch = branch_ref(place.base), branch_ref(place.card.branch_name or "")
    tips = await refs.tips(ctx.git, place.repo.id, [base, branch, *place.attempts])
    if base not in tips:
        return None
    left = {ref: tips[ref] for ref in place.attempts if ref in tips}
    return Ground(tips[base], tips.get(branch), left)


async def _orphan(ctx: Context, place: Place, ground: Ground, sha: str) -> Orphan:
    against = ground.branch_sha or ground.base_sha
    return await orphans.describe(ctx.git, place.repo.id, sha, against)


async def _found(ctx: Context, place: Place, sha: str) -> Ground:
    ground = await _ground(ctx, place)
    if ground is None or sha not in ground.left.values():
        raise NotFound(
            f"Card #{place.card.number} has no recovered work at {sha[:12]} any more. Look again."
        )
    return ground


async def use_recovered(ctx: Context, card_id: str, sha: str, actor: Actor) -> dict[str, Any]:
    """Move the card's branch to the recovered commit; returns the card, in the status that it had.

    What was on the branch is archived. An unfinished state becomes a commit of its own. Raises
    `IllegalTransition` while a job is open or the card is done, `NotFound` when the work is gone,
    `BranchMoved`.
    """
    return await ctx.background.finish(_use_recovered(ctx, card_id, sha, actor))


async def _use_recovered(ctx: Context, card_id: str, sha: str, actor: Actor) -> dict[str, Any]:
    async with ctx.job_locks.hold(f"card:{card_id}"):
        place = await ctx.db.read(_resting_place, card_id)
        ground = await _found(ctx, place, sha)
        # From the commit until a ref points at it, nothing may be pruned.
        async with ctx.git.shared(place.repo.id):
            move = await _plan(ctx, place, ground, sha)
            await move_head(ctx, move, _require_rest, actor)
    return await ctx.db.read(card_view, card_id)


def _resting_place(tx: Tx, card_id: str) -> Place:
    place = _place(tx, card_id)
    require_no_intent(tx, place.card)
    _require_rest(tx, place.card)
    return place


def _require_rest(_: Tx, card: CardRow) -> None:
    status = CardStatus(card.status)
    if status not in RESTING:
        what = "is done: reopen it" if status is CardStatus.DONE else "has an open job: wait for it"
        raise IllegalTransition(
            f"Card #{card.number} {what}, then use the recovered work.",
            allowed=allowed_commands(status),
        )


async def _plan(ctx: Context, place: Place, ground: Ground, sha: str) -> Move:
    card, old = place.card, ground.branch_sha
    new, archived, updates = sha, card.rejections, list[RefUpdate]()
    orphan = await _orphan(ctx, place, ground, sha)
    if orphan.subject == CHECKPOINT:  # never on a branch (R10)
        text = f"Keep what was unfinished of card #{card.number}: {card.title}\n"
        onto = old or ground.base_sha
        new = await orphans.recommit(ctx.git, place.repo.id, sha, text, onto=onto)
    if old is not None:
        archived, updates = await archive_before(ctx, card, old, new)
    updates += _put_aside(place, ground, sha, keep=new != sha)
    return Move(OPERATION, card, old, new, archived, updates)


def _put_aside(place: Place, ground: Ground, sha: str, *, keep: bool) -> list[RefUpdate]:
    gone = [RefUpdate(ref, None, sha) for ref, at in ground.left.items() if at == sha]
    return [RefUpdate(kept_ref(place.card.number, sha), sha, None), *gone] if keep else gone


async def discard_recovered(ctx: Context, card_id: str, sha: str, actor: Actor) -> None:
    """Show it no more; it stays in the archive. Raises `NotFound`."""
    async with ctx.job_locks.hold(f"card:{card_id}"):
        place = await ctx.db.read(_place, card_id)
        ground = await _found(ctx, place, sha)
        await refs.update(ctx.git, place.repo.id, _put_aside(place, ground, sha, keep=True))
    await ctx.db.write(_announce, card_id, actor)


def _announce(tx: Tx, card_id: str, actor: Actor) -> None:
    card_changed(tx, EventType.CARD_UPDATED, card_id, actor)


async def work_recovered(ctx: Context, job_id: str) -> None:
    """A lost attempt of this job has just left its work: tell those who look at the card."""
    await ctx.db.write(_tell, job_id)


def _tell(tx: Tx, job_id: str) -> None:
    card_changed(tx, EventType.CARD_UPDATED, get_job(tx, job_id).card, SERVER)
