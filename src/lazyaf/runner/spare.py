"""Work trees that wait: checked out before anyone needs them, so that a job's costs what changed.

While an agent works, its runner makes one more tree of the repository at low priority, with a git
directory of its own like any other (rule R2). No agent has ever seen it. The next job takes it by a
rename, wherever its branch starts; git then writes only the files that differ. Of each repository at
most one waits, for all runners of the machine.
"""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Final

import structlog

from lazyaf.domain.errors import GitFailed
from lazyaf.runner import filelock
from lazyaf.runner.config import RunnerConfig
from lazyaf.runner.sandbox import Sandbox
from lazyaf.runner.treegit import TreeGit

log = structlog.get_logger(__name__)

ROOM: Final = 5_000_000_000
"""Bytes that must be free before a tree is made that perhaps nobody will need."""

_CHECK_OUT: Final = """\
git init --quiet --template= --initial-branch=spare
mkdir -p .git/objects/info
printf '%s\\n' "$1" >.git/objects/info/alternates
exec git read-tree --reset -u "$2"
"""


class Spares:
    """The spare trees of one runner's repositories; `close` before it leaves."""

    def __init__(self, config: RunnerConfig, sandbox: Sandbox) -> None:
        self._root = config.spares_dir
        self._is_wanted = not config.once
        self._sandbox = sandbox
        self._making: asyncio.Task[None] | None = None

    def take(self, cache: Path, tree: Path) -> bool:
        """Move the spare tree that borrows from this cache to ``tree``, which does not exist yet;
        False when there is none."""
        try:
            (self._root / cache.parent.name / cache.stem).rename(tree)
        except OSError:
            return False
        return True

    def begin(self, cache: Path, commit: str) -> None:
        """Make one at this commit in the background, unless one waits or is being made, or no further
        job will come."""
        if self._is_wanted and (self._making is None or self._making.done()):
            root = self._root / cache.parent.name
            self._making = asyncio.ensure_future(self._make(root, cache, commit))

    async def close(self) -> None:
        """Stop making; what is half made is removed by the next who makes one."""
        if self._making is not None:
            self._making.cancel()
            await asyncio.gather(self._making, return_exceptions=True)

    async def _make(self, root: Path, cache: Path, commit: str) -> None:
        with filelock.try_lock(root / "lock") as taken:
            ready = root / cache.stem
            if not taken or ready.exists() or shutil.disk_usage(root).free < ROOM:
                return
            await asyncio.to_thread(_clear, root)
            making = root / "making"
            making.mkdir(mode=0o700)
            try:
                await self._check_out(making, cache, commit)
            except (GitFailed, OSError) as error:
                log.warning("spare.failed", path=str(making), error=str(error))
            else:
                making.rename(ready)

    async def _check_out(self, tree: Path, cache: Path, commit: str) -> None:
        git = TreeGit(self._sandbox, tree, cache, tree.parent / "none", ("spare", "spare"))
        words = [_CHECK_OUT, "sh", str(cache / "objects"), commit]
        done = await git.command(["nice", "-n", "15", "sh", "-e", "-c", *words])
        if done.returncode != 0:
            raise GitFailed(done.stderr)


def _clear(root: Path) -> None:
    """Remove what was half made, or borrows from a cache that is given up."""
    for old in root.iterdir():
        if old.name != "lock":
            shutil.rmtree(old, ignore_errors=True)
