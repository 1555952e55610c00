"""What leaves a repository as a bundle, and what does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from integration.git.conftest import Work
from lazyaf.domain.errors import GitFailed
from lazyaf.git import command
from lazyaf.git.bundle import bundle
from lazyaf.git.storage import Storage

JOB = "refs/lazyaf/jobs/01900000-0000-7000-8000-00000000000a/1/head"


async def unpacked(storage: Storage, repo_id: str, target: Path) -> tuple[str, set[str]]:
    """The refs that a bundle names, and the objects that came with it."""
    raw = b"".join([chunk async for chunk in bundle(storage, repo_id)])
    await command.run(["init", "-q", "--bare", str(target)])
    (target / "all.bundle").write_bytes(raw)
    git = f"--git-dir={target}"
    refs = await command.run([git, "bundle", "unbundle", str(target / "all.bundle")])
    every = ["cat-file", "--batch-all-objects", "--batch-check=%(objectname)"]
    objects = await command.run([git, *every])
    return refs.text, set(objects.text.split())


async def test_branches_and_tags_leave_and_the_work_of_jobs_stays(
    storage: Storage, repo_id: str, work: Work, tmp_path: Path
) -> None:
    first = await work.commit({"a.txt": "a"})
    await work.git("tag", "v1")
    await work.git("push", "-q", "store", "HEAD:refs/heads/main", "v1")
    hidden = await work.commit({"secret.txt": "what only a job has"})
    await work.git("push", "-q", "store", f"HEAD:{JOB}")

    refs, objects = await unpacked(storage, repo_id, tmp_path / "cache.git")
    assert refs.splitlines() == [f"{first} refs/heads/main", f"{first} refs/tags/v1"]
    assert first in objects
    assert hidden not in objects
    assert len(objects) == 3


async def test_a_repository_without_a_branch_has_none(storage: Storage, repo_id: str) -> None:
    with pytest.raises(GitFailed, match="empty bundle"):
        assert not [chunk async for chunk in bundle(storage, repo_id)]
