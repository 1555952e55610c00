"""The bare repositories of one data directory: where they are, who may touch them and when.

Layout below the root: ``<repo_id>.git``, ``.hooks`` (ours, the only ones git runs), ``.tmp`` and
``.trash``. Whoever reads or writes a repository does it inside `shared`; prune and delete take
`exclusive` (R9). Running packs are registered here, so that those of a lost lease can be ended and
awaited (R7). Never touches a database: what a repository is called elsewhere is not known here.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
)
from functools import lru_cache, partial
from pathlib import Path
from typing import Final, Protocol

from lazyaf.domain.errors import Conflict, Invalid, LazyafError, LeaseLost, NotFound, Unavailable
from lazyaf.git import command, pause
from lazyaf.git.locks import RepositoryLock
from lazyaf.git.quota import Quota, Slots

_REPO_ID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

ASK_BACK: Final = """\
#!/bin/sh
# Written by LazyAF at every start. Asks the server, after the upload and before any ref moves,
# whether this push may still happen (R7). The answer is one line: "ok", or the reason why not.
echo ask >"/dev/fd/$LAZYAF_GATE_ASK" || exit 1
IFS= read -r answer <"/dev/fd/$LAZYAF_GATE_ANSWER" || exit 1
[ "$answer" = ok ] && exit 0
printf '%s\\n' "$answer" >&2
exit 1
"""


class Pack(Protocol):
    """A running transfer that can be ended."""

    async def end(self, reason: LazyafError) -> None:
        """End it and return when its child is gone."""
        ...


class Storage:
    """Bare repositories at ``<root>/<repo_id>.git``. Belongs to one event loop.

    ``quota`` caps the transfers of either direction that run at once; the rest queue. Either
    direction has slots of its own, so that slow clones never hold up the work of a job. ``offers``
    are what git said it can do under which settings, for `smart_http.advertise`.
    """

    def __init__(self, root: Path, *, quota: Quota | None = None) -> None:
        self.root = root.absolute()
        self._root = str(self.root)
        self.quota = quota or Quota()
        self._locks: dict[str, RepositoryLock] = {}
        self._packs: dict[str, set[Pack]] = {}
        self.offers: dict[tuple[tuple[str, str], ...], command.Completed] = {}
        slots = self.quota.packs or max(2, os.cpu_count() or 1)
        self._slots = {
            service: Slots(slots, self.quota.waiting)
            for service in ("git-upload-pack", "git-receive-pack")
        }
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (self.no_hooks, self.asking_hooks, self._temporary, self._trash):
            folder.mkdir(parents=True, exist_ok=True)
        _write_hook(self.asking_hooks / "pre-receive")

    @property
    def no_hooks(self) -> Path:
        """An empty hooks directory."""
        return self.root / ".hooks" / "none"

    @property
    def asking_hooks(self) -> Path:
        """The hooks directory whose pre-receive asks back (see gate.py)."""
        return self.root / ".hooks" / "asking"

    @property
    def _temporary(self) -> Path:
        return self.root / ".tmp"

    @property
    def _trash(self) -> Path:
        return self.root / ".trash"

    def path(self, repo_id: str) -> Path:
        """Where the repository is or would be. `NotFound` when the id is no lower-case UUID."""
        return _path(self._root, repo_id)

    def exists(self, repo_id: str) -> bool:
        """Whether the repository is there."""
        return self.path(repo_id).is_dir()

    def ids(self) -> list[str]:
        """Of every repository that is there. Blocks on the disk for a moment."""
        return sorted(p.stem for p in self.root.glob("*.git") if _REPO_ID.fullmatch(p.stem))

    async def git(
        self,
        repo_id: str,
        args: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        stdin: bytes | None = None,
        ok: Sequence[int] = (0,),
        niceness: int = 0,
    ) -> command.Completed:
        """`command.run` on this repository, by its path; the caller holds `shared`."""
        command_line = [f"--git-dir={self.path(repo_id)}", *args]
        return await command.run(command_line, env=env, stdin=stdin, ok=ok, niceness=niceness)

    async def create(self, repo_id: str, default_branch: str) -> None:
        """An empty bare repository whose HEAD points at ``default_branch``.

        Raises `Invalid` for a branch name that git refuses, `Conflict` when it exists.
        """
        target = self.path(repo_id)
        await require_branch_name(default_branch)
        with self.temporary() as folder:
            fresh = folder / "fresh.git"
            await command.run(
                ["init", "--quiet", "--bare", "--template=", "--object-format=sha1",
                 f"--initial-branch={default_branch}", str(fresh)]
            )  # fmt: skip
            if not _move_if_absent(fresh, target):
                raise Conflict("This repository exists already.")

    async def delete(self, repo_id: str) -> None:
        """Refuse new users, end the packs, wait for the rest, then remove. Absent is fine."""
        lock = self._lock(repo_id)
        lock.close()
        await self._end(f"repo:{repo_id}", NotFound("This repository is being deleted."))
        async with lock.exclusive():
            await asyncio.to_thread(_discard, self.path(repo_id), self._trash)
            self._locks.pop(repo_id, None)

    async def set_head(self, repo_id: str, branch: str) -> None:
        """Point HEAD at a branch, which need not exist yet."""
        await require_branch_name(branch)
        async with self.shared(repo_id):
            await self.git(repo_id, ["symbolic-ref", "HEAD", f"refs/heads/{branch}"])

    def shared(self, repo_id: str) -> AbstractAsyncContextManager[Path]:
        """Keep the repository from being pruned or deleted; gives its path. May be nested.

        Raises `NotFound` when it is not there or is being deleted.
        """
        return _Shared(self.path(repo_id), partial(self._lock, repo_id))

    @asynccontextmanager
    async def exclusive(self, repo_id: str) -> AsyncIterator[Path]:
        """Have the repository alone, for prune; gives its path. Never from inside `shared`."""
        async with self._lock(repo_id).exclusive():
            if not self.exists(repo_id):
                raise NotFound("There is no such repository.")
            yield self.path(repo_id)

    def removing(self) -> AbstractContextManager[bool]:
        """Keep backups from beginning while something is taken away; False when one is being made, and
        then nothing may be (rules.md R6)."""
        return pause.removing(self.root)

    def slot(self, service: str) -> AbstractAsyncContextManager[None]:
        """Wait for a turn to run a transfer of this service; `Unavailable` when too many do."""
        return self._slots[service]

    @contextmanager
    def temporary(self) -> Iterator[Path]:
        """A private directory on the same disk, removed afterwards."""
        with tempfile.TemporaryDirectory(dir=self._temporary) as folder:
            yield Path(folder)

    @asynccontextmanager
    async def scratch(self) -> AsyncIterator[Path]:
        """`temporary` for very many files: they are removed in a thread."""
        folder = tempfile.TemporaryDirectory(dir=self._temporary)
        try:
            yield Path(folder.name)
        finally:
            await asyncio.to_thread(folder.cleanup)

    @contextmanager
    def running(self, repo_id: str, key: str | None, pack: Pack) -> Iterator[None]:
        """Register a transfer under its repository and, if it has one, its lease."""
        keys = [f"repo:{repo_id}"] + ([f"key:{key}"] if key else [])
        for name in keys:
            self._packs.setdefault(name, set()).add(pack)
        try:
            yield
        finally:
            for name in keys:
                self._packs[name].discard(pack)
                if not self._packs[name]:
                    del self._packs[name]

    async def end_packs(self, key: str) -> None:
        """End the transfers of one lease and return when their children are gone (R7).

        Revoke the credential first: what begins afterwards is stopped by pre-receive.
        """
        await self._end(f"key:{key}", LeaseLost("This lease no longer holds the job."))

    async def close(self) -> None:
        """End every transfer, in order and without leaving locks behind (R17)."""
        for name in list(self._packs):
            await self._end(name, Unavailable("The server is stopping. Try again."))

    async def _end(self, name: str, reason: LazyafError) -> None:
        packs = list(self._packs.get(name, ()))
        await asyncio.gather(*(pack.end(reason) for pack in packs))

    async def sweep(self) -> int:
        """Remove what a killed server left behind; returns how many things.

        Only at start, before anything runs, holding the lock of the data directory (R18).
        """
        return await asyncio.to_thread(_sweep, self.root, (self._temporary, self._trash))

    async def sweep_one(self, path: Path) -> int:
        """Remove what dead processes left in this repository; returns how many things. The caller
        holds `exclusive`, so that whatever looks like a leftover is one."""
        return await asyncio.to_thread(_remove, list(_leftovers(path)))

    async def leftovers_in(self, path: Path) -> list[Path]:
        """What `sweep_one` would remove."""
        return await asyncio.to_thread(lambda: list(_leftovers(path)))

    def is_busy(self, repo_id: str) -> bool:
        """Whether a transfer runs or waits."""
        return f"repo:{repo_id}" in self._packs

    def _lock(self, repo_id: str) -> RepositoryLock:
        return self._locks.setdefault(repo_id, RepositoryLock())


@lru_cache(maxsize=1024)
def _path(root: str, repo_id: str) -> Path:
    if not _REPO_ID.fullmatch(repo_id):
        raise NotFound("There is no such repository.")
    return Path(root, f"{repo_id}.git")


class _Shared:
    """`Storage.shared`, which is asked for by whoever looks at a ref: a generator, and pathlib to see whether
    the repository is there, would cost as much as the look."""

    __slots__ = ("_find_lock", "_lock", "_path")

    def __init__(self, path: Path, find_lock: Callable[[], RepositoryLock]) -> None:
        self._path = path
        self._find_lock = find_lock

    async def __aenter__(self) -> Path:
        if not os.path.isdir(self._path):  # noqa: ASYNC240, PTH112 - see above
            raise NotFound("There is no such repository.")
        self._lock = self._find_lock()
        await self._lock.share()
        return self._path

    async def __aexit__(self, *_: object) -> None:
        self._lock.release()


async def require_branch_name(name: str) -> None:
    """Raise `Invalid` unless git takes this as the name of a branch."""
    refused = Invalid(f"“{name}” cannot be the name of a branch.")
    if "\0" in name:
        raise refused
    checked = await command.run(["check-ref-format", "--branch", name], ok=(0, 1, 128))
    if checked.returncode or checked.text != name:
        raise refused


def _write_hook(path: Path) -> None:
    """Put the hook there whole. Raises `Unavailable` where nothing can be executed: git would pass
    over the hook in silence, and with it the check of the lease."""
    fresh = path.with_suffix(".new")
    fresh.write_text(ASK_BACK)
    fresh.chmod(0o700)
    fresh.replace(path)
    if not os.access(path, os.X_OK):
        raise Unavailable(f"{path.parent} does not allow execution (noexec?), and git needs it.")


def _move_if_absent(source: Path, target: Path) -> bool:
    if target.exists():
        return False
    source.rename(target)
    return True


def _discard(path: Path, trash: Path) -> None:
    """Away with one rename, then remove at leisure: a crash between leaves only trash."""
    if path.exists():
        grave = Path(tempfile.mkdtemp(dir=trash))
        path.rename(grave / path.name)
        shutil.rmtree(grave)


def _sweep(root: Path, folders: Sequence[Path]) -> int:
    leftovers = [entry for folder in folders for entry in folder.iterdir()]
    for repository in root.glob("*.git"):
        leftovers += _leftovers(repository)
    return _remove(leftovers)


def _remove(leftovers: Sequence[Path]) -> int:
    for leftover in leftovers:
        if leftover.is_dir() and not leftover.is_symlink():
            shutil.rmtree(leftover)
        else:
            leftover.unlink(missing_ok=True)
    return len(leftovers)


def _leftovers(repository: Path) -> Iterator[Path]:
    """Locks (no ref may end in ``.lock``) and quarantines; loose object folders hold neither."""
    objects = repository / "objects"
    for pattern in ("tmp_objdir-*", "incoming-*", "*.lock", "pack/tmp_*", "pack/.tmp-*"):
        yield from objects.glob(pattern)
    yield from (objects / "info").rglob("*.lock")
    for folder, names, files in os.walk(repository):
        if Path(folder) == repository and "objects" in names:
            names.remove("objects")
        yield from (Path(folder, name) for name in files if name.endswith(".lock"))
