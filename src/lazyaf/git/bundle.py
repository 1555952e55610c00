"""A repository's branches and tags with all their objects, as one stream in git's own format for that: what
a cache elsewhere is filled with. Nothing else leaves: no refs of jobs, and nothing that only they reach.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Final

from lazyaf.domain.errors import GitFailed
from lazyaf.git import command
from lazyaf.git.storage import Storage

NICENESS: Final = 10


async def bundle(storage: Storage, repo_id: str) -> AsyncGenerator[bytes, None]:
    """What ``git bundle create`` makes, as it makes it. Nothing is pruned meanwhile. Raises `NotFound`, and
    `GitFailed` also when there is no branch."""
    async with storage.shared(repo_id) as path:
        words = [f"--git-dir={path}", "bundle", "create", "--quiet", "-", "--branches", "--tags"]
        child = await command.start(words, stdin=asyncio.subprocess.DEVNULL, niceness=NICENESS)
        assert child.stdout is not None  # noqa: S101 - it was asked for
        assert child.stderr is not None  # noqa: S101
        words_said = asyncio.create_task(child.stderr.read())
        try:
            while chunk := await child.stdout.read(command.READ_SIZE):
                yield chunk
            if status := await child.wait():
                said = (await words_said).decode(errors="replace").strip()
                raise GitFailed(command.failure("bundle", status, said))
        finally:
            words_said.cancel()
            await command.reap(child)
