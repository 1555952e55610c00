"""The commit that an approval puts on the base branch: a merge, a squash or the last of a rebase.

Called by `lazyaf.services.approve_card` in its first step; nothing here moves a ref.
"""

from __future__ import annotations

from typing import Final

from lazyaf.domain.repo_settings import MergeMethod
from lazyaf.git import merge, rebase
from lazyaf.git.merge import Identity
from lazyaf.git.storage import Storage
from lazyaf.store.cards import CardRow

SUBJECTS_MAX: Final = 50
"""Commits that the message of a squash lists."""


async def make_commit(
    storage: Storage,
    card: CardRow,
    approver: Identity,
    method: MergeMethod,
    base_sha: str,
    head_sha: str,
) -> str:
    """Make what the base branch is to move to; returns its id, which is never ``base_sha``.

    Always by the approver: as author of a merge or squash, as committer of every commit. The caller
    holds `Storage.shared` until a ref points at it. Raises `MergeConflict`, and `Conflict` when a
    rebase would not give what was reviewed.
    """
    repo_id = card.repo_id
    if method is MergeMethod.REBASE:
        tip = await rebase.rebase(storage, repo_id, base_sha, head_sha, committer=approver)
        if tip != base_sha:
            return tip
        # Nothing was left to replay. An empty commit then says that the card was approved.
    if method is MergeMethod.MERGE:
        return await merge.merge_commit(
            storage,
            repo_id,
            base_sha,
            head_sha,
            message=f"Merge card #{card.number}: {card.title}\n\n{_trailer(card)}",
            author=approver,
            committer=approver,
        )
    return await merge.squash_commit(
        storage,
        repo_id,
        base_sha,
        head_sha,
        message=await _squash_message(storage, card, approver, base_sha, head_sha),
        author=approver,
        committer=approver,
    )


def _trailer(card: CardRow) -> str:
    return f"Lazyaf-Card: {card.id}\n"


async def _squash_message(
    storage: Storage, card: CardRow, approver: Identity, base_sha: str, head_sha: str
) -> str:
    """The card's title, the subjects that it replaces, and those who wrote them."""
    written = await merge.written(storage, card.repo_id, base_sha, head_sha)
    others = dict.fromkeys(
        f"Co-authored-by: {one.author} <{one.email}>\n"
        for one in written
        if one.email != approver.email
    )
    subjects = [f"* {one.subject}\n" for one in written[:SUBJECTS_MAX]]
    if len(written) > SUBJECTS_MAX:
        subjects.append(f"* … and {len(written) - SUBJECTS_MAX} more\n")
    body = "".join(subjects) + "\n" if len(written) > 1 else ""
    return f"{card.title} (card #{card.number})\n\n{body}{_trailer(card)}{''.join(others)}"
