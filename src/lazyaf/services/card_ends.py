"""Between which commits a card's changes lie."""

from __future__ import annotations

from dataclasses import dataclass

from lazyaf.domain.errors import NotFound
from lazyaf.git import log, refs
from lazyaf.services.card_branch import base_of, branch_ref
from lazyaf.services.context import Context
from lazyaf.store.card_at_hand import card_at_hand
from lazyaf.store.cards import CardRow
from lazyaf.store.repos import RepoRow
from lazyaf.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Ends:
    """The names of a card's base and branch, and where they stand; ``head_sha`` is None while nothing was
    pushed. Of a merged card it is what was merged, and what into."""

    base_ref: str
    head_ref: str
    base_sha: str
    head_sha: str | None


def card_and_repo(tx: Tx, card_id: str) -> tuple[CardRow, RepoRow]:
    """The card and its repository, or `NotFound`."""
    found = card_at_hand(tx, card_id)
    return found.card, found.repo


async def card_ends(ctx: Context, card: CardRow, repo: RepoRow) -> Ends:
    """As git has them now. Raises `NotFound` without a base branch."""
    base, branch = base_of(card, repo), card.branch_name
    base_sha = await _tip(ctx, repo, base)
    head_sha = await _tip(ctx, repo, branch) if branch else None
    if base_sha is None:
        raise NotFound(f"There is no branch “{base}” in {repo.name}.", code="no_base_branch")
    if card.merged_sha is not None and card.status == "done":
        # After the merge the branch has nothing the base lacks, or is gone: show what the merge brought.
        base_sha = await _first_parent(ctx, repo.id, card.merged_sha) or base_sha
        head_sha = card.head_sha or head_sha
    return Ends(base, branch or "", base_sha, head_sha)


async def _tip(ctx: Context, repo: RepoRow, branch: str) -> str | None:
    if not ctx.git.exists(repo.id):
        return None
    return await refs.resolve(ctx.git, repo.id, branch_ref(branch))


async def _first_parent(ctx: Context, repo_id: str, sha: str) -> str | None:
    page = await log.commits(ctx.git, repo_id, sha, None, 1)
    return page.items[0].parents[0] if page.items and page.items[0].parents else None
