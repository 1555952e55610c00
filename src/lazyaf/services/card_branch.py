"""Moves the branch of a card, always by compare-and-set, and measures what is on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from lazyaf.git import diff, merge, refs
from lazyaf.git.pktline import ZERO
from lazyaf.git.refs import RefUpdate
from lazyaf.services.context import Context
from lazyaf.store.cards import CardRow
from lazyaf.store.repos import RepoRow

FILES_KEPT: Final = 100
"""Conflicting files that are kept by name."""


@dataclass(frozen=True, slots=True)
class Measured:
    """The size of a card's work against its base at ``base_sha``, whether it merges, and how many
    commits it is behind."""

    additions: int = 0
    deletions: int = 0
    files: int = 0
    mergeable: bool | None = None
    conflicts: tuple[str, ...] = ()
    base_sha: str | None = None
    behind: int | None = None

    def values(self) -> dict[str, Any]:
        """As columns of a card."""
        return {
            "additions": self.additions,
            "deletions": self.deletions,
            "files": self.files,
            "mergeable": self.mergeable,
            "conflicts": list(self.conflicts),
            "base_sha": self.base_sha,
            "behind": self.behind,
        }


def base_of(card: CardRow, repo: RepoRow) -> str:
    """The branch that a card goes into."""
    return card.base_branch or repo.default_branch


def branch_ref(branch: str) -> str:
    """The full name of a branch."""
    return f"refs/heads/{branch}"


def archive_ref(number: int, count: int) -> str:
    """Where the tip of rejected or replaced work is kept."""
    return f"refs/lazyaf/archive/{number}/{count}"


async def keep_tip(ctx: Context, card: CardRow, tip: str) -> tuple[int, RefUpdate]:
    """How many tips of the card are archived with this one, and the ref that keeps it: the next free one, or
    where a crash has left it before it was counted."""
    count = card.rejections + 1
    while True:
        ref = archive_ref(card.number, count)
        held = await refs.resolve(ctx.git, card.repo_id, ref)
        if held in (None, tip):
            return count, RefUpdate(ref, tip, held or ZERO)
        count += 1


async def move_branch(
    ctx: Context,
    repo_id: str,
    branch: str,
    *,
    old: str | None,
    new: str,
    archive: str | None = None,
) -> None:
    """Move the branch from ``old`` (None: create it) to ``new``; raises `BranchMoved`.

    With ``archive`` the former tip is kept under that ref in the same transaction.
    """
    updates = [RefUpdate(branch_ref(branch), new, old or ZERO)]
    if archive is not None and old is not None:
        updates.append(RefUpdate(archive, old, None))
    await refs.update(ctx.git, repo_id, updates)


async def measure(ctx: Context, repo_id: str, base: str, head_sha: str) -> Measured:
    """Compare a head with the tip of its base branch."""
    base_sha = await refs.resolve(ctx.git, repo_id, branch_ref(base))
    if base_sha is None:
        return Measured()
    return await measure_against(ctx, repo_id, base_sha, head_sha)


async def measure_against(ctx: Context, repo_id: str, base_sha: str, head_sha: str) -> Measured:
    """Compare two commits, full ids. What is known of them is not computed again."""
    stat = await diff.stat(ctx.git, repo_id, base_sha, head_sha)
    merges = await merge.mergeability(ctx.git, repo_id, base_sha, head_sha)
    return Measured(
        stat.additions,
        stat.deletions,
        stat.files,
        merges.clean,
        tuple(merges.files[:FILES_KEPT]),
        base_sha,
        await refs.behind(ctx.git, repo_id, base_sha, head_sha),
    )
