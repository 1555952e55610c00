"""Fetching from a real remote into a repository of the storage, without a trace when it fails.

The objects come into a quarantine of their own, a bare repository that borrows from the real one;
only a fetch that is complete, sound and not too large is taken over, in packs. HTTP, and ssh with
the repository's own key: nothing here reads the disk, runs a program or uses a key of the server's user. The password is in the child's
environment, never in argv or the URL. Which refs move, the caller decides.
"""

from __future__ import annotations

import asyncio
import os
import signal
from asyncio.subprocess import DEVNULL
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from lazyaf.domain.errors import Conflict, LazyafError
from lazyaf.domain.remotes import Remote
from lazyaf.git import command
from lazyaf.git.child import Child
from lazyaf.git.policy import LEGACY_COMPLAINTS
from lazyaf.git.refs import HEADS, TAGS
from lazyaf.git.remotes import asking, explained, head_in, reaching, settings_of
from lazyaf.git.storage import Storage

WATCH_EVERY: Final = 0.5
"""Seconds between two looks at the size of what came."""

_GUARDS: Final = (
    ("fetch.fsckObjects", "true"),
    ("fetch.unpackLimit", "1"),  # all in packs, which move over with a rename
    ("gc.auto", "0"),
    *((f"fetch.fsck.{name}", "warn") for name in LEGACY_COMPLAINTS),
)


@dataclass(frozen=True, slots=True)
class Fetched:
    """What the remote has: the branch of its HEAD, if any, and by their short names the commits of
    branches and the objects of tags."""

    head: str | None
    branches: dict[str, str]
    tags: dict[str, str]


async def fetch(
    storage: Storage, repo_id: str, remote: Remote, *, branch: str | None = None
) -> Fetched:
    """Bring every branch and tag of the remote, or one branch, into the store, as far as its quota allows;
    moves no ref.

    The caller holds `Storage.shared` until refs point at them. Raises `Conflict` as
    `lazyaf.git.remotes.ask_head` does, or ``fetch_too_large``; when the repository is deleted or the server stops meanwhile, what
    `Storage` has to say to a transfer.
    """
    async with storage.shared(repo_id) as path, reaching(storage, remote) as reach:
        transfer = _Transfer(remote, reach.env)
        with storage.running(repo_id, None, transfer), storage.temporary() as folder:
            incoming = folder / "incoming.git"
            await command.run(["init", "--quiet", "--bare", "--template=", str(incoming)])
            info = incoming / "objects" / "info"
            info.mkdir(parents=True, exist_ok=True)
            (info / "alternates").write_text(f"{path / 'objects'}\n")
            listed = await transfer.run(asking(remote, "HEAD"))
            max_bytes = max(0, await storage.quota.room(path))
            watch = partial(_watch, incoming / "objects", max_bytes)
            await transfer.run(
                [
                    f"--git-dir={incoming}", *_settings(remote), "fetch", "--quiet", "--no-tags",
                    "--no-auto-gc", "--no-write-fetch-head", "--no-show-forced-updates",
                    "--recurse-submodules=no", "--",
                    remote.url, *_refspecs(branch),
                ],
                watch,
            )  # fmt: skip
            fetched = await _refs(incoming, head_in(listed.decode(errors="replace")))
            if await asyncio.to_thread(_size, incoming / "objects") > max_bytes:
                raise _too_large(max_bytes)  # it came between two looks
            await asyncio.to_thread(_take_over, incoming, path)
    return fetched


def _refspecs(branch: str | None) -> list[str]:
    names = [f"{HEADS}*", f"{TAGS}*"] if branch is None else [f"{HEADS}{branch}"]
    return [f"+{name}:{name}" for name in names]


class _Transfer:
    """The children that fetch, one after the other; `Storage` can end them."""

    def __init__(self, remote: Remote, env: dict[str, str]) -> None:
        self._remote = remote
        self._env = env
        self._child: Child | None = None
        self._reason: LazyafError | None = None
        self._gone = asyncio.Event()

    async def end(self, reason: LazyafError) -> None:
        """End what runs, and let nothing more begin; returns when the child is gone."""
        self._reason = self._reason or reason
        if self._child is not None:
            self._child.signal(signal.SIGKILL)
            await self._gone.wait()

    async def run(
        self, args: Sequence[str], watch: Callable[[], Awaitable[LazyafError]] | None = None
    ) -> bytes:
        """Run a child to its end; returns its output, or raises why it did not get there.

        ``watch`` returns when it has a reason to end the child.
        """
        if self._reason is not None:
            raise self._reason
        child = await command.start(args, env=self._env, stdin=DEVNULL)
        self._child = child
        self._gone.clear()
        watching = asyncio.create_task(self._heed(child, watch)) if watch is not None else None
        try:
            stdout, stderr = await asyncio.gather(_all_of(child.stdout), _all_of(child.stderr))
            status = await child.wait()
        finally:
            if watching is not None:
                watching.cancel()
            await command.reap(child)
            self._child = None
            self._gone.set()
        if self._reason is not None:
            raise self._reason
        if status != 0:
            words = stderr.decode(errors="replace").strip()
            raise explained(command.failure("fetch", status, words), self._remote)
        return stdout

    async def _heed(self, child: Child, watch: Callable[[], Awaitable[LazyafError]]) -> None:
        reason = await watch()
        self._reason = self._reason or reason
        child.signal(signal.SIGKILL)


async def _all_of(stream: asyncio.StreamReader | None) -> bytes:
    return b"" if stream is None else await stream.read()


async def _watch(objects: Path, max_bytes: int) -> LazyafError:
    """Return when more came than may: git has no setting for it."""
    while await asyncio.to_thread(_size, objects) <= max_bytes:  # noqa: ASYNC110 - disks tell nobody
        await asyncio.sleep(WATCH_EVERY)
    return _too_large(max_bytes)


def _too_large(max_bytes: int) -> Conflict:
    return Conflict(
        f"There is more to fetch than the {max_bytes / 10**6:,.0f} MB that the repository may still "
        "take here. Nothing of it was kept. Whoever runs the server can raise LAZYAF_PUSH_MAX_MB and "
        "LAZYAF_REPO_MAX_MB.",
        code="fetch_too_large",
    )


def _size(folder: Path) -> int:
    total = 0
    for place, _, names in os.walk(folder):  # unlike `Path.rglob` it bears that directories go
        for name in names:
            with suppress(FileNotFoundError):  # renamed while we looked
                total += Path(place, name).stat().st_size
    return total


def _settings(remote: Remote) -> list[str]:
    guards = [word for key, value in _GUARDS for word in ("-c", f"{key}={value}")]
    return [*guards, *settings_of(remote)]


async def _refs(incoming: Path, head: str | None) -> Fetched:
    said = await command.run(
        [f"--git-dir={incoming}", "for-each-ref", "--format=%(objectname) %(refname)", HEADS, TAGS]
    )
    branches: dict[str, str] = {}
    tags: dict[str, str] = {}
    for line in said.stdout.decode(errors="surrogateescape").splitlines():
        sha, _, ref = line.partition(" ")
        if ref.startswith(HEADS):
            branches[ref.removeprefix(HEADS)] = sha
        else:
            tags[ref.removeprefix(TAGS)] = sha
    return Fetched(head, branches, tags)


def _take_over(incoming: Path, path: Path) -> None:
    """Move the packs; the index comes last, because it is what makes git look at a pack."""
    target = path / "objects" / "pack"
    target.mkdir(exist_ok=True)
    for pattern in ("*.pack", "*.rev", "*.idx"):
        for part in (incoming / "objects" / "pack").glob(pattern):
            part.rename(target / part.name)
