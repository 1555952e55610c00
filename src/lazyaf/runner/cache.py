"""The cache of a repository: bare, owned by the runner, only ever added to (rule R2).

One per repository and machine, shared by its runners and shown to agents read-only; jobs borrow its
objects through ``alternates``. It is filled over HTTP with the job's credential, which travels in the
child's environment. An agent can write nothing here, so git may run on it outside the sandbox. One
that turns out to be corrupt is not repaired: a new directory is begun beside it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import Final

import structlog

from lazyaf.domain.errors import GitFailed
from lazyaf.git import command
from lazyaf.protocol.messages import Job
from lazyaf.runner import fetching, filelock

log = structlog.get_logger(__name__)

LOCK_WAIT_S: Final = 900.0
CHECK_S: Final = 1800.0
BLOB_MAX: Final = 256 * 1024
SUBJECTS_MAX: Final = 50
_REGULAR: Final = frozenset({"100644", "100755"})


class Cache:
    """The cache of one repository below ``root``; ``url`` is where it is fetched from. For as long as
    ``is_away`` says that the server is, a fetch is tried again. ``borrow`` is a bare repository with objects
    that then need not be fetched."""

    def __init__(
        self,
        root: Path,
        repo_id: str,
        url: str,
        is_away: Callable[[], bool] = lambda: False,
        borrow: Path | None = None,
    ) -> None:
        self._root = root / repo_id
        self._url = url
        self._is_away = is_away
        self._borrow = borrow
        self.path = self._newest()

    async def fetch(self, job: Job, in_use: Iterable[Path] = ()) -> None:
        """Bring every branch and what this job starts from. Raises `GitFailed`.

        Afterwards `path` is the directory to borrow from. Replaced directories that are not
        ``in_use`` by any work tree are deleted.
        """
        wanted = [job.base_sha, job.branch_sha, job.resume.head, job.resume.checkpoint]
        auth = command.auth_env(self._url, job.repo.username, job.repo.password)
        async with filelock.lock(self._root / "lock", wait_s=LOCK_WAIT_S):
            self.path = self._newest()
            os.utime(self._root / "lock")  # used now, for `retention`
            try:
                await self._fetch_all(auth, [sha for sha in wanted if sha])
            except GitFailed as error:
                if fetching.is_transient(error):
                    raise
                # A first fetch that fails over what it borrows has left no refs to judge by.
                if self._borrow is None and await self._is_sound():
                    raise
                log.warning("cache.corrupt", path=str(self.path), error=error.detail)
                self._borrow = None  # it may be what is corrupt
                self.path = self._root / f"{int(self.path.stem) + 1}.git"
                await self._fetch_all(auth, [sha for sha in wanted if sha])
            self._discard_all_but({self.path, *in_use})

    async def missing(self, shas: Iterable[str]) -> list[str]:
        """Those objects that are not here."""
        asked = list(dict.fromkeys(shas))
        done = await self._git(
            "cat-file", "--batch-check=%(objectname)", stdin="\n".join(asked).encode() + b"\n"
        )
        return [line.split()[0] for line in done.text.splitlines() if line.endswith(" missing")]

    async def read_file(self, commit: str, names: Sequence[str]) -> str | None:
        """The text of the first of these paths that is a regular file in the commit (never what a
        symbolic link names); None when there is none or it is larger than 256 KiB."""
        done = await self._git("ls-tree", "-l", "-z", commit, "--", *names)
        found: dict[str, str] = {}
        for line in done.stdout.decode("utf-8", "replace").split("\0"):
            facts, _, path = line.partition("\t")
            words = facts.split()
            if len(words) == 4 and words[0] in _REGULAR and int(words[3]) <= BLOB_MAX:
                found[path] = words[2]
        for name in names:
            if name in found:
                blob = await self._git("cat-file", "blob", found[name])
                return blob.stdout.decode("utf-8", "replace")
        return None

    async def subjects(self, base: str, head: str) -> list[str]:
        """First lines of the commits that ``head`` has beyond ``base``, the oldest first, of the
        newest ones at most `SUBJECTS_MAX`. Raises `GitFailed`."""
        count = f"-{SUBJECTS_MAX}"
        done = await self._git("log", count, "--no-merges", "--format=%s", f"{base}..{head}")
        return done.text.splitlines()[::-1]

    async def changed(self, head: str, saved: str) -> list[str]:
        """The paths in which two commits differ. Raises `GitFailed`."""
        done = await self._git("diff", "--name-only", "--no-renames", "-z", head, saved)
        return [path for path in done.stdout.decode("utf-8", "replace").split("\0") if path]

    def _discard_all_but(self, kept: Collection[Path]) -> None:
        for path in self._root.glob("*.git"):
            if path not in kept:
                shutil.rmtree(path, ignore_errors=True)

    async def _fetch_all(self, auth: dict[str, str], wanted: Sequence[str]) -> None:
        if not (self.path / "HEAD").is_file():
            await command.run(["init", "--quiet", "--bare", "--template=", str(self.path)])
            await self._git("config", "gc.auto", "0")
            self._borrow_objects()
        # Pruned refs leave their objects: without gc nothing is ever removed, but a branch “a” that
        # became “a/b” would otherwise block every fetch.
        heads = ["+refs/heads/*:refs/heads/*"]
        await fetching.fetch(self.path, self._url, auth, heads, self._is_away, prune=True)
        if missing := await self.missing(wanted):
            # Protocol v2 hands out any object that is asked for by name, such as a checkpoint.
            kept = [f"+{sha}:refs/lazyaf/kept/{sha}" for sha in missing]
            await fetching.fetch(self.path, self._url, auth, kept, self._is_away)

    def _borrow_objects(self) -> None:
        """Git says what it has by the refs there, too, and the server sends the rest."""
        if self._borrow is not None and (self._borrow / "objects").is_dir():
            alternates = self.path / "objects" / "info" / "alternates"
            alternates.parent.mkdir(exist_ok=True)
            alternates.write_text(f"{self._borrow / 'objects'}\n")

    async def _is_sound(self) -> bool:
        """Whether everything the refs name can be read."""
        done = await command.run(
            ["--git-dir", str(self.path), "rev-list", "--objects", "--all", "--quiet"],
            check=False,
            timeout=CHECK_S,
        )
        return done.returncode == 0

    async def _git(self, *args: str, stdin: bytes | None = None) -> command.Completed:
        return await command.run(["--git-dir", str(self.path), *args], stdin=stdin)

    def _newest(self) -> Path:
        numbers = [int(p.stem) for p in self._root.glob("*.git") if p.stem.isdigit()]
        return self._root / f"{max(numbers, default=0)}.git"
