"""Upkeep of a bare repository: repacked, its refs in one file, a commit graph, nothing left over.

Only the scheduler calls this (`lazyaf.services.upkeep`), one repository at a time, never a request.
Everything but `prune` and `sweep` adds before it takes away, so it runs beside pushes and clones and
may be killed at any moment: no reachable object and no ref is ever missing, and unreachable objects
are kept, packed by themselves with the time of their last use. Those two take the repository alone
(rules.md R9). The children are of low priority, and leave no lock behind when the call is cancelled.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lazyaf.domain.errors import GitFailed
from lazyaf.git import command
from lazyaf.git.child import Child
from lazyaf.git.condition import Condition, condition
from lazyaf.git.storage import Storage

NICE: Final = 15
"""So much lower is the priority of the children than that of the server."""

KEEP_UNREACHABLE_S: Final = 14 * 86_400
"""How long an object is kept that nothing points at any more."""

LOOSE_REFS: Final = 50
PACKS: Final = 10
LOOSE_OBJECTS: Final = 300
SMALL: Final = 256 * 1024
"""Bytes that are not worth a bitmap."""

OUTSIDE_SHARE: Final = 0.25
"""As large a share of the bitmapped pack may lie outside of it before everything is packed anew."""

ALONE_WAIT_S: Final = 5.0
GRACE_S: Final = 3.0
CHILD_S: Final = 3 * 3600.0

SETTINGS: Final = (
    "pack.threads=1",
    "pack.writeReverseIndex=true",
    "pack.writeBitmapHashCache=true",
    "core.commitGraph=true",
    "gc.auto=0",
)


@dataclass(frozen=True, slots=True)
class Done:
    """What was done, for the log: steps by name, and how many leftovers were swept."""

    steps: tuple[str, ...]
    swept: int


async def maintain(storage: Storage, repo_id: str, *, now: float | None = None) -> Done:
    """Do what is worth doing. ``now`` is Unix seconds; without it nothing is pruned.

    Raises `NotFound` when the repository is being deleted, `GitFailed`. A repository that is never
    alone within some seconds is swept and pruned another time.
    """
    async with storage.shared(repo_id) as path:
        found = await asyncio.to_thread(condition, path)
        steps = plan(found)
        for step in steps:
            await _git(path, STEPS[step])
    if now is not None and is_prunable(found, now):
        steps += ("prune",) if await prune(storage, repo_id, now) else ()
    return Done(steps, await sweep(storage, repo_id))


STEPS: Final[dict[str, Sequence[str]]] = {
    "pack-refs": ("pack-refs", "--all", "--prune"),
    "repack": ("repack", "-d", "-l", "-q", "--cruft", "--write-bitmap-index"),
    # Rolls small packs and loose objects together and leaves the large ones as they are.
    "gather": ("repack", "-d", "-l", "-q", "--geometric=2", "--no-write-bitmap-index"),
    "commit-graph": ("commit-graph", "write", "--reachable", "--split", "--no-progress"),
}
"""The arguments of git of each step, in the order in which they are done."""


def plan(found: Condition) -> tuple[str, ...]:
    """The steps that are worth their cost, in order."""
    steps = []
    if found.loose_refs > LOOSE_REFS:
        steps.append("pack-refs")
    if found.outside > max(SMALL, OUTSIDE_SHARE * found.packed):
        steps.append("repack")
    elif found.packs > PACKS or found.loose_objects > LOOSE_OBJECTS:
        steps.append("gather")
    if steps or not found.has_commit_graph:
        steps.append("commit-graph")
    return tuple(steps)


def is_prunable(found: Condition, now: float) -> bool:
    """Whether there are unreachable objects that nobody used for long enough."""
    return found.oldest_cruft is not None and found.oldest_cruft < now - KEEP_UNREACHABLE_S


async def prune(storage: Storage, repo_id: str, now: float) -> bool:
    """Delete what is unreachable and was last used two weeks before ``now`` (Unix seconds).

    Has the repository alone meanwhile; False when it was never alone within some seconds.
    """
    before = int(now - KEEP_UNREACHABLE_S)
    async with _alone(storage, repo_id) as path:
        if path is None:
            return False
        await _git(path, [*STEPS["repack"], f"--cruft-expiration=@{before} +0000"])
        return True


async def sweep(storage: Storage, repo_id: str) -> int:
    """Remove what processes left that are dead; how many things. Alone, so nothing in use is hit."""
    async with _alone(storage, repo_id) as path:
        return 0 if path is None else await storage.sweep_one(path)


async def leftovers(storage: Storage, repo_id: str) -> list[Path]:
    """What `sweep` would remove."""
    async with _alone(storage, repo_id) as path:
        return [] if path is None else await storage.leftovers_in(path)


@asynccontextmanager
async def _alone(storage: Storage, repo_id: str) -> AsyncIterator[Path | None]:
    """`Storage.exclusive`, or None when others stay in the repository for too long."""
    async with AsyncExitStack() as stack:
        path = None
        with suppress(TimeoutError):
            async with asyncio.timeout(ALONE_WAIT_S):
                path = await stack.enter_async_context(storage.exclusive(repo_id))
        yield path


async def _git(path: Path, args: Sequence[str]) -> None:
    """Run one step to its end; a cancelled one gets to remove its locks."""
    settings = [word for setting in SETTINGS for word in ("-c", setting)]
    child = await command.start(
        [*settings, f"--git-dir={path}", *args],
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        niceness=NICE,
    )
    try:
        async with asyncio.timeout(CHILD_S):
            _, words = await child.communicate()
    except BaseException:
        await asyncio.shield(_end(child))
        raise
    if child.returncode:
        said = words.decode(errors="replace").strip()
        raise GitFailed(command.failure(args[0], child.returncode, said))


async def _end(child: Child) -> None:
    child.signal(signal.SIGTERM)
    with suppress(TimeoutError):
        async with asyncio.timeout(GRACE_S):
            await child.wait()
    await command.reap(child)
