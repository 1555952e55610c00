"""The commit that an approval puts on the base branch: a merge, a squash or the last of a rebase.

Called by `lazyaf.services.merge_card` and the queue in their first step; nothing here moves a ref.
"""

from __future__ import annotations

from lazyaf.domain.repo_settings import MergeMethod
from lazyaf.git import merge, rebase
from lazyaf.git.storage import Storage
from lazyaf.services.approval import Review
from lazyaf.services.merge_words import merge_words


async def make_commit(storage: Storage, review: Review, base_sha: str, head_sha: str) -> str:
    """Make what the base branch is to move to; returns its id, which is never ``base_sha``.

    Always by the approver: as author of a merge or squash, as committer of every commit. The caller
    holds `Storage.shared` until a ref points at it. Raises `MergeConflict`, and `Conflict` when a
    rebase would not give what was reviewed.
    """
    repo_id, approver = review.repo.id, review.approver
    if review.method is MergeMethod.REBASE:
        tip = await rebase.rebase(storage, repo_id, base_sha, head_sha, committer=approver)
        if tip != base_sha:
            return tip
        # Nothing was left to replay. An empty commit then says that the card was approved.
    make = merge.merge_commit if review.method is MergeMethod.MERGE else merge.squash_commit
    return await make(
        storage,
        repo_id,
        base_sha,
        head_sha,
        message=await merge_words(storage, review, base_sha, head_sha),
        author=approver,
        committer=approver,
    )
