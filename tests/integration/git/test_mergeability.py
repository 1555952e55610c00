"""Whether a branch merges is remembered by the two tips, and by nothing else."""

from __future__ import annotations

import pytest

from lazyaf.domain.errors import GitFailed
from lazyaf.git import merge
from lazyaf.git.merge import Mergeability


async def fork(work) -> tuple[str, str]:
    """Two branches that changed one file each in their own way, and another one together."""
    await work.commit({"a": "0\n", "dir/ä b": "0\n"})
    await work.git("checkout", "-q", "-b", "card")
    head = await work.commit({"a": "card\n", "dir/ä b": "card\n", "new": "1\n"})
    await work.git("checkout", "-q", "main")
    base = await work.commit({"a": "main\n", "dir/ä b": "main\n"})
    await work.git("push", "-q", "store", "main", "card")
    return base, head


async def test_an_answer_is_remembered_until_either_tip_moves(storage, repo_id, work) -> None:
    base, head = await fork(work)
    conflict = Mergeability(False, ["a", "dir/ä b"])
    assert await merge.mergeability(storage, repo_id, base, head) == conflict

    moved = await work.commit({"a": "0\n", "dir/ä b": "0\n"}, "Undo")
    await work.git("push", "-q", "store", "main")
    assert await merge.mergeability(storage, repo_id, moved, head) == Mergeability(True, [])
    assert await merge.mergeability(storage, repo_id, base, head) == conflict

    # Nobody is asked again: without its objects the repository could not answer.
    path = storage.path(repo_id)
    (path / "objects").rename(path / "elsewhere")
    (path / "objects").mkdir()
    assert await merge.mergeability(storage, repo_id, base, head) == conflict
    assert await merge.mergeability(storage, repo_id, moved, head) == Mergeability(True, [])
    with pytest.raises(GitFailed):
        await merge.mergeability(storage, repo_id, head, moved)
