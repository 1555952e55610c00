"""Really merge the commit that was seen into a card's base branch (rules.md R8)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from lazyaf.domain.cards import CardCommand, CardStatus, apply
from lazyaf.domain.errors import BranchMoved, Conflict, NotFound, VersionConflict
from lazyaf.domain.events import Actor, EventType, NewEvent
from lazyaf.domain.repo_settings import MergeMethod
from lazyaf.git import refs
from lazyaf.git.merge import Identity
from lazyaf.git.refs import RefUpdate
from lazyaf.services.card_branch import base_of, branch_ref
from lazyaf.services.cards import change_status, require_no_intent
from lazyaf.services.context import Context
from lazyaf.services.merge_method import make_commit
from lazyaf.services.views import effective_settings, person_identity
from lazyaf.store.cards import CardRow, get_card
from lazyaf.store.intents import IntentRow, insert_intent, list_intents, remove_intent
from lazyaf.store.repos import RepoRow, get_repo
from lazyaf.store.tx import Tx

TRIES: Final = 20
"""Times that a base branch may move under a merge before giving up."""


@dataclass(frozen=True, slots=True)
class Review:
    """A card that is being approved; ``onto`` is the only base tip that it may be merged into, if that
    matters."""

    card: CardRow
    repo: RepoRow
    approver: Identity
    method: MergeMethod
    onto: str | None = None

    @property
    def base(self) -> str:
        """The branch that it is merged into."""
        return base_of(self.card, self.repo)


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


def review_of(tx: Tx, card_id: str, method: MergeMethod | None) -> Review:
    """A card that can be approved; raises `IllegalTransition`, or `Conflict` while something is under way."""
    card = get_card(tx, card_id)
    apply(CardStatus(card.status), CardCommand.APPROVE)
    require_no_intent(tx, card)
    repo = get_repo(tx, card.repo_id)
    usual = MergeMethod(effective_settings(tx, repo).merge_method)
    return Review(card, repo, person_identity(tx), method or usual)


def _same(tx: Tx, seen: CardRow) -> CardRow:
    card = get_card(tx, seen.id)
    apply(CardStatus(card.status), CardCommand.APPROVE)
    if card.version != seen.version:
        raise VersionConflict(f"Card #{card.number} changed while you approved it. Look again.")
    return card


async def _try_merge(ctx: Context, review: Review, head_sha: str, actor: Actor) -> bool:
    """One round of intent → effect → confirm; False when the base or the card moved meanwhile."""
    repo_id = review.repo.id
    base_sha = await refs.resolve(ctx.git, repo_id, branch_ref(review.base))
    if base_sha is None:
        raise NotFound(f"There is no branch “{review.base}” in {review.repo.name} any more.")
    if review.onto not in (None, base_sha):
        raise BranchMoved(f"{review.base} moved on since the checks.", code="base_changed")
    await require_head(ctx, review, head_sha)
    new_sha = await make_commit(
        ctx.git, review.card, review.approver, review.method, base_sha, head_sha
    )
    intent = IntentRow(
        id=ctx.new_id(),
        repo_id=repo_id,
        card_id=review.card.id,
        operation="approve",
        ref=branch_ref(review.base),
        old_sha=base_sha,
        new_sha=new_sha,
        head_sha=head_sha,
        body={"method": review.method.value},
        actor=str(actor),
        created_at=ctx.clock.now(),
    )
    try:
        await ctx.db.write(_write_down, review.card, intent)
    except VersionConflict:
        return False
    try:
        await _effect(ctx, intent, review.card.branch_name or "")
    except BranchMoved:
        await ctx.db.write(remove_intent, intent.id)
        await require_head(ctx, review, head_sha)
        return False
    except Exception:
        # Whatever went wrong, git alone knows whether it is done.
        await resume_approval(ctx, intent)
        raise
    await ctx.db.write(_confirm, intent, actor, ctx.clock.now())
    return True


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


def _write_down(tx: Tx, seen: CardRow, intent: IntentRow) -> None:
    card = _same(tx, seen)
    require_no_intent(tx, card)
    insert_intent(tx, intent)


async def _effect(ctx: Context, intent: IntentRow, branch: str) -> None:
    """Move the base branch while the card's branch stays where it was seen: all or nothing."""
    await refs.update(
        ctx.git,
        intent.repo_id,
        [
            RefUpdate(branch_ref(branch), intent.head_sha, intent.head_sha),
            RefUpdate(intent.ref, intent.new_sha, intent.old_sha),
        ],
    )


def _confirm(tx: Tx, intent: IntentRow, actor: Actor, now: str) -> None:
    card = get_card(tx, intent.card_id)
    remove_intent(tx, intent.id)
    change_status(
        tx,
        card,
        CardCommand.APPROVE,
        {"merged_sha": intent.new_sha, "mergeable": None, "conflicts": [], "conflicts_with": []},
        actor,
        now,
    )
    base = intent.ref.removeprefix("refs/heads/")
    tx.emit(
        NewEvent(
            EventType.BRANCH_MERGED,
            intent.repo_id,
            actor,
            0,
            {
                "branch": base,
                "sha": intent.new_sha,
                "card_id": card.id,
                "repo_id": intent.repo_id,
                **intent.body,
            },
        )
    )


async def resume_approval(ctx: Context, intent: IntentRow) -> None:
    """After a crash: done if the merge is on the base branch, otherwise as if never begun."""
    tip = await refs.resolve(ctx.git, intent.repo_id, intent.ref)
    merged = tip is not None and (
        tip == intent.new_sha
        or await refs.is_ancestor(ctx.git, intent.repo_id, intent.new_sha, tip)
    )
    if merged:
        await ctx.db.write(_confirm, intent, Actor("person"), ctx.clock.now())
    else:
        await ctx.db.write(remove_intent, intent.id)


async def open_intents(ctx: Context) -> list[IntentRow]:
    """What a crash may have interrupted."""
    return await ctx.db.read(list_intents)
