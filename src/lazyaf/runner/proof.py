"""Whether the server has all the work that is in a tree which nobody works in any more.

The tree is the agent's, so it is looked at inside the sandbox only (rule R1), by the walker that makes
the checkpoints: what it would save must be what the server has, down to the last byte. What cannot be
looked at is taken for work.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path
from typing import Final

from lazyaf.domain.errors import GitFailed
from lazyaf.git import command
from lazyaf.runner import saves
from lazyaf.runner.marker import Marker
from lazyaf.runner.sandbox import Sandbox
from lazyaf.runner.treegit import TreeGit
from lazyaf.runner.walker.history import IGNORED

Reached = Callable[[str, Collection[str]], Awaitable[set[str]]]
"""Given a repository and commits, those that the server keeps."""

LOOK_S: Final = 30.0
"""Less than a job waits for the tree of its card, which is locked meanwhile."""
UNKNOWN: Final = "Nothing tells whose work it is."
UNSEEN: Final = "It cannot be looked at: {}"
UNSAVED: Final = "It holds work that the server has not."


async def why_not_on_server(root: Path, sandbox: Sandbox, reached: Reached) -> str | None:
    """Why the tree in ``root`` must not go, as a sentence; None when the server has all of it."""
    marker = Marker.load(root / "job.json")
    if marker is None:
        return UNKNOWN
    if not marker.is_made:
        return None  # no agent has ever worked in it
    cache = Path(marker.cache)
    git = TreeGit(sandbox, root / "work", cache, root / "saves", command.IDENTITY)
    try:
        async with asyncio.timeout(LOOK_S):
            saved = await saves.save(git, marker.branch, final=True)
    except (GitFailed, OSError) as error:
        return UNSEEN.format(error)
    except TimeoutError:
        return UNSEEN.format(f"that takes longer than {LOOK_S:g} s.")
    lost = [note for note in saved.notes if not note.startswith(IGNORED)]
    if lost:
        return f"{UNSAVED} {lost[0]}"
    wanted = {sha for sha in (saved.head, saved.tip, saved.sha) if sha is not None}
    return None if wanted <= await reached(cache.parent.name, wanted) else UNSAVED
