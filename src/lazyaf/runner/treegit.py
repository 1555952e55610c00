"""git in a work tree that an agent writes: always inside the sandbox, never with a secret (rule R1).

Whatever the agent planted there (filters, fsmonitor, hooks, external diff programs) can at most do
inside the sandbox what the agent could do anyway. The network is taken away. What comes back is
checked: an object id is 40 hex digits or it is an error. A pack is spooled to a file unread.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from lazyaf.domain.errors import GitFailed, TooLarge
from lazyaf.git import command
from lazyaf.runner.sandbox import READ_SIZE, Captured, Running, Sandbox, View, capture, write_all

GIT_S: Final = 300.0
PACK_MAX: Final = 2 * 1024 * 1024 * 1024
STDERR_MAX: Final = 64 * 1024
SETTINGS: Final = (
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.quotePath", "false"),
    ("commit.gpgSign", "false"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("checkout.workers", "4"),
    ("protocol.allow", "never"),
    ("safe.directory", "*"),
    ("advice.detachedHead", "false"),
)
"""Convenience, not protection: a repository can undo each of them. The sandbox is the protection."""

_PACK: Final = """\
{ printf '%s\\n' "$@"; git cat-file --batch-check='^%(objectname)' | grep -v ' '; } |
exec git pack-objects --revs --thin --window=1 --stdout --delta-base-offset -q
"""
"""Its arguments are what to pack, its input what the server has; of a missing one git says two words. The
search for differences looks at the neighbour alone, which is the version before: 20 MB of new files take
half the time, and no more bytes."""

_SHA: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


class TreeGit:
    """git for one work tree. ``cache`` is the bare repository it borrows from, ``store`` the directory
    of its saves, which no agent sees, ``identity`` the name and address that commits bear."""

    def __init__(
        self, sandbox: Sandbox, tree: Path, cache: Path, store: Path, identity: tuple[str, str]
    ) -> None:
        self.tree = tree
        self.cache = cache
        self.store = store
        self.identity = identity
        self._sandbox = sandbox

    async def run(
        self,
        *args: str,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        ok: Sequence[int] | None = (0,),
        seconds: float = GIT_S,
    ) -> Captured:
        """Run ``git <args>`` inside. Raises `GitFailed` when the status is not in ``ok`` (None takes
        any), or when it takes or says too much."""
        done = await self.command(["git", *args], stdin=stdin, env=env, seconds=seconds)
        if ok is not None and done.returncode not in ok:
            raise GitFailed(command.failure(args[0], done.returncode, done.stderr))
        return done

    async def command(
        self,
        words: Sequence[str],
        *,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        seconds: float = GIT_S,
        writable: Sequence[Path] = (),
        read_only: Sequence[Path] = (),
    ) -> Captured:
        """Run any command in the same place, which may see or write these directories as well."""
        view = self._view(env)
        view = replace(
            view,
            writable=(*view.writable, *writable),
            read_only=tuple(path for path in (*view.read_only, *read_only) if path not in writable),
        )
        return await capture(self._sandbox, words, view, stdin=stdin, seconds=seconds)

    async def sha(
        self, *args: str, stdin: bytes = b"", env: Mapping[str, str] | None = None
    ) -> str:
        """Run a command that prints one object id. Raises `GitFailed` for anything else."""
        said = (await self.run(*args, stdin=stdin, env=env)).text
        if not _SHA.fullmatch(said):
            raise GitFailed(f"git {args[0]} printed no object id.")
        return said

    async def ref(self, name: str) -> str | None:
        """The commit that a name stands for, or None."""
        done = await self.run("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}", ok=None)
        return done.text if done.returncode == 0 and _SHA.fullmatch(done.text) else None

    async def pack(self, new: Iterable[str], known: Iterable[str], spool: Path) -> None:
        """Write a thin pack of what the server lacks to ``spool``. What it has and we have not, such
        as another machine's work, is left out of account. Raises `GitFailed`, `TooLarge`."""
        words = ["sh", "-c", _PACK, "sh", *new]
        running = await self._sandbox.start(words, self._view(None))
        try:
            async with asyncio.timeout(GIT_S):
                _, _, said = await asyncio.gather(
                    write_all(running.stdin, "".join(f"{sha}\n" for sha in known).encode()),
                    _spool(running, spool),
                    _complaints(running),
                )
                code = await running.wait()
        except TimeoutError:
            raise GitFailed(f"Packing took longer than {GIT_S:g} s.") from None
        finally:
            await running.close()
        if code != 0:
            raise GitFailed(command.failure("pack-objects", code, said))

    def _view(self, env: Mapping[str, str] | None) -> View:
        saved = self.store / "repo" / "objects"  # there since the first save
        name, email = self.identity
        extra = {
            "GIT_AUTHOR_NAME": name,
            "GIT_AUTHOR_EMAIL": email,
            "GIT_COMMITTER_NAME": name,
            "GIT_COMMITTER_EMAIL": email,
            "GIT_NO_REPLACE_OBJECTS": "1",
            **({"GIT_ALTERNATE_OBJECT_DIRECTORIES": str(saved)} if saved.is_dir() else {}),
            **command.config_env(SETTINGS),
            **(env or {}),
        }
        return View(
            cwd=self.tree,
            env=command.child_env(extra),
            writable=(self.tree,),
            read_only=(self.cache, *([self.store] if self.store.is_dir() else [])),
            network=False,
        )


async def _spool(running: Running, path: Path) -> None:
    size = 0
    with path.open("wb") as file:
        while running.stdout is not None and (chunk := await running.stdout.read(READ_SIZE)):
            size += len(chunk)
            if size > PACK_MAX:
                raise TooLarge(f"The work is larger than {PACK_MAX:,} bytes.")
            file.write(chunk)


async def _complaints(running: Running) -> str:
    """The beginning of what it says on stderr; the rest is read and dropped."""
    said = bytearray()
    while running.stderr is not None and (chunk := await running.stderr.read(READ_SIZE)):
        said += chunk[: STDERR_MAX - len(said)]
    return said.decode("utf-8", "replace").strip()
