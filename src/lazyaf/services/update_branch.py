"""Bring the base into the branch of a card in review: by a merge commit, or by replaying its commits.

Only where that is clean; otherwise the agent, or a person, has something to decide. The branch is at another
commit afterwards, so an approval of the one before is void, as after any push.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from lazyaf.domain.cards import CardCommand, CardStatus, UpdateMethod, apply
from lazyaf.domain.errors import Conflict, NotFound
from lazyaf.domain.events import Actor
from lazyaf.git import merge, rebase, refs
from lazyaf.git.merge import Identity
from lazyaf.services.card_branch import base_of, branch_ref
from lazyaf.services.cards import require_no_intent
from lazyaf.services.context import Context
from lazyaf.services.move_head import Move, archive_before, move_head
from lazyaf.services.views import card_view, person_identity
from lazyaf.store.cards import CardRow, get_card
from lazyaf.store.repos import get_repo
from lazyaf.store.tx import Tx

OPERATION: Final = "update"


@dataclass(frozen=True, slots=True)
class _Wish:
    card: CardRow
    base: str
    person: Identity


async def update_branch(
    ctx: Context, card_id: str, method: UpdateMethod, actor: Actor
) -> dict[str, Any]:
    """Bring the tip of the base into the card's branch; returns the card, in review as before.

    A branch that has it already stays as it is. A card that waits to be merged waits no more. Raises
    `MergeConflict` with the files, `Conflict` for what cannot be rebased, `IllegalTransition`,
    `BranchMoved`.
    """
    return await ctx.background.finish(_update(ctx, card_id, method, actor))


async def _update(ctx: Context, card_id: str, method: UpdateMethod, actor: Actor) -> dict[str, Any]:
    async with ctx.job_locks.hold(f"card:{card_id}"):
        wish = await ctx.db.read(_wish, card_id)
        base_sha, head = await _tips(ctx, wish)
        if not await refs.is_ancestor(ctx.git, wish.card.repo_id, base_sha, head):
            # From the commit until a ref points at it, nothing may be pruned.
            async with ctx.git.shared(wish.card.repo_id):
                new = await _commit(ctx, wish, method, base_sha, head)
                archived, archive = await archive_before(ctx, wish.card, head, new)
                move = Move(OPERATION, wish.card, head, new, archived, archive)
                await move_head(ctx, move, require_updatable, actor)
    return await ctx.db.read(card_view, card_id)


def _wish(tx: Tx, card_id: str) -> _Wish:
    card = get_card(tx, card_id)
    require_updatable(tx, card)
    require_no_intent(tx, card)
    return _Wish(card, base_of(card, get_repo(tx, card.repo_id)), person_identity(tx))


def require_updatable(_: Tx, card: CardRow) -> None:
    """In review no agent is at work. Checks may be: they are of the head before, and begin anew."""
    apply(CardStatus(card.status), CardCommand.UPDATE_BRANCH)


async def _tips(ctx: Context, wish: _Wish) -> tuple[str, str]:
    """Where the base and the branch are."""
    card = wish.card
    names = (branch_ref(wish.base), branch_ref(card.branch_name or ""))
    tips = await refs.tips(ctx.git, card.repo_id, names)
    for name in names:
        if name not in tips:
            branch = name.removeprefix(refs.HEADS)
            raise NotFound(f"There is no branch “{branch}” of card #{card.number} any more.")
    return tips[names[0]], tips[names[1]]


async def _commit(ctx: Context, wish: _Wish, method: UpdateMethod, base_sha: str, head: str) -> str:
    """What the branch is to move to."""
    card, storage = wish.card, ctx.git
    if method is UpdateMethod.MERGE:
        return await merge.merge_commit(
            storage,
            card.repo_id,
            head,
            base_sha,
            message=f"Merge branch '{wish.base}' into {card.branch_name}\n",
            author=wish.person,
            committer=wish.person,
        )
    new = await rebase.rebase(storage, card.repo_id, base_sha, head, committer=wish.person)
    if new == base_sha:
        raise Conflict(
            f"“{wish.base}” has everything that card #{card.number} changes, so nothing would be left on "
            "its branch. Approve or reject the card.",
            code="rebase_empty",
        )
    return new
