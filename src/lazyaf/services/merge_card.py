"""Really merge the commit that was seen into a card's base branch (rules.md R8)."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from lazyaf.domain.errors import BranchMoved, Conflict, NotFound
from lazyaf.domain.events import Actor
from lazyaf.git import refs
from lazyaf.services.approval import Review, review_of
from lazyaf.services.card_branch import branch_ref
from lazyaf.services.carry_out_merge import Step, carry_out
from lazyaf.services.context import Context
from lazyaf.services.merge_method import make_commit

TRIES: Final = 20
"""Times that a base branch may move under a merge before giving up."""


async def merge_card(ctx: Context, review: Review, head_sha: str, actor: Actor) -> None:
    """Merge the card's branch, if it is still at ``head_sha``, and close the card. The caller holds the
    lock of the card.

    Tried until neither the base nor the card moves meanwhile. The server measures a card anew when its
    base moves, so a newer version of it is no reason to give up; another base is, or one that is not
    ``onto`` any more. Raises `MergeConflict` with the files, `BranchMoved`, `Conflict` for what cannot be
    rebased, or `IllegalTransition`; then the card stays in review.
    """
    base = review.base
    for _ in range(TRIES):
        # From the commit until a ref points at it, nothing may be pruned.
        async with ctx.git.shared(review.repo.id):
            merged = await _try_merge(ctx, review, head_sha, actor)
        if merged:
            return
        review = replace(
            await ctx.db.read(review_of, review.card.id, review.method), onto=review.onto
        )
        if review.base != base:
            raise Conflict(
                f"Card #{review.card.number} goes into another branch now. Look again.",
                code="base_changed",
            )
    raise Conflict(
        f"“{base}” keeps moving, so the merge could not be completed. Try again in a moment.",
        code="base_busy",
    )


async def _try_merge(ctx: Context, review: Review, head_sha: str, actor: Actor) -> bool:
    """False when the base or the card moved meanwhile."""
    base_sha = await tip_of_base(ctx, review)
    if review.onto not in (None, base_sha):
        raise BranchMoved(f"{review.base} moved on since the checks.", code="base_changed")
    await require_head(ctx, review, head_sha)
    new_sha = await make_commit(ctx.git, review, base_sha, head_sha)
    return await carry_out(ctx, base_sha, [Step(review, head_sha, new_sha, actor)])


async def tip_of_base(ctx: Context, review: Review) -> str:
    """Where the branch is that the card goes into. Raises `NotFound` when there is none any more."""
    base_sha = await refs.resolve(ctx.git, review.repo.id, branch_ref(review.base))
    if base_sha is None:
        raise NotFound(f"There is no branch “{review.base}” in {review.repo.name} any more.")
    return base_sha


async def require_head(ctx: Context, review: Review, head_sha: str) -> None:
    """Raise `BranchMoved` unless the card's branch is where it was seen."""
    branch = review.card.branch_name or ""
    tip = await refs.resolve(ctx.git, review.repo.id, branch_ref(branch))
    if tip != head_sha:
        raise BranchMoved(
            f"{branch} is at {(tip or 'nothing')[:12]}, not at {head_sha[:12]}, which you saw. "
            "Look at the new commits, then approve.",
            extra={"head_sha": tip},
        )
