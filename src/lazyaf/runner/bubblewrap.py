"""The sandbox made by bubblewrap: a read-only system, one writable work tree, no one else's files.

The file system is built from nothing: system directories read-only, private ``/tmp``, ``/run``,
``/proc`` and ``/dev``, the directories the agent needs at their own paths, and the tool directories of
``PATH``. What is not named is not there, so homes, data directories and sockets need no list. In
``/etc`` whatever is not for everyone to read is masked. Namespaces of their own for processes, IPC,
host name and users; no capabilities; dies with the runner.

Options and environment travel in an anonymous file: secrets are neither in a process list nor in the
environment of bubblewrap itself, whose loader would otherwise obey an ``LD_PRELOAD`` of the agent's.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import stat
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Final

from lazyaf.domain.runners import Isolation
from lazyaf.runner.sandbox import Running, View

SYSTEM: Final = (
    "usr",
    "bin",
    "sbin",
    "lib",
    "lib32",
    "lib64",
    "libx32",
    "etc",
    "opt",
    "nix",
    "gnu",
)
"""Top-level directories that make up the system; the rest of the disk is not shown."""
PACKAGES: Final = Path("/var/lib/dpkg")
"""So that ``dpkg -l`` works; holds nothing private."""
TOOL_LEAVES: Final = frozenset({"bin", "sbin", "shims"})
KEPT_LEAVES: Final = frozenset({".local", ".cargo", ".config"})
"""Parents of a ``bin`` that hold credentials beside it: only the ``bin`` itself is shown."""

NAMESPACES: Final = (
    *("--unshare-user", "--disable-userns", "--unshare-pid", "--unshare-ipc", "--unshare-uts"),
    *("--hostname", "lazyaf", "--cap-drop", "ALL", "--new-session", "--die-with-parent"),
)


class Bubblewrap:
    """See the module. ``hide`` are directories masked even where a shown one contains them."""

    isolation = Isolation.BUBBLEWRAP
    reason: str | None = None

    def __init__(
        self, *, hide: Sequence[Path] = (), binds: Sequence[Path] = (), program: str | None = None
    ) -> None:
        self._hide = tuple(path.resolve() for path in hide if path.resolve() != Path("/"))
        self._binds = tuple(binds)
        self._program = program or shutil.which("bwrap") or "bwrap"

    def options(self, view: View) -> list[str]:
        """Every option but the environment, in the order in which bubblewrap performs them."""
        options = [*NAMESPACES]
        if not view.network:
            options.append("--unshare-net")
        options += [*self._system, "--proc", "/proc", "--remount-ro", "/proc", "--dev", "/dev"]
        for empty in ("/tmp", "/var/tmp", "/run", "/home", "/root"):  # noqa: S108
            options += ["--perms", "1777" if empty.endswith("tmp") else "0755", "--tmpfs", empty]
        options += ["--symlink", "/run", "/var/run"]
        options += _resolver()
        options += self._shown([*tool_directories(view.env.get("PATH", "")), *self._binds])
        options += [word for path in self._hide if path.is_dir() for word in ("--tmpfs", str(path))]
        options += _bind("--ro-bind", view.read_only)
        options += _bind("--bind", view.writable)
        return [*options, "--remount-ro", "/", "--chdir", str(view.cwd)]

    async def start(
        self, command: Sequence[str], view: View, *, stdin: int | None = subprocess.PIPE
    ) -> Running:
        """See `lazyaf.runner.sandbox.Sandbox.start`.

        A bubblewrap that ends before it let go of its child leaves that waiting for ever: a start
        that is cancelled is seen to its end, and then undone.
        """
        starting = asyncio.ensure_future(self._start(command, view, stdin))
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            await asyncio.shield(_undo(starting))
            raise

    async def _start(self, command: Sequence[str], view: View, stdin: int | None) -> Running:
        words = [*self.options(view), "--clearenv"]
        for name, value in view.env.items():
            words += ["--setenv", name, value]
        with _anonymous_file(words) as options_fd, _pipe() as (told, tell):
            with os.fdopen(tell, "wb"):  # closed here, reading ends when bubblewrap closes its own
                process = await asyncio.create_subprocess_exec(
                    self._program,
                    *("--args", str(options_fd), "--info-fd", str(tell), "--", *command),
                    env={},
                    stdin=stdin,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    pass_fds=(options_fd, tell),
                )
            return Running(process, await asyncio.to_thread(_init_of, told))

    @cached_property
    def _system(self) -> list[str]:
        """The system's directories with what is private in ``/etc`` masked; looked up once."""
        words: list[str] = []
        for name in SYSTEM:
            path = Path("/", name)
            if path.is_symlink():
                words += ["--symlink", str(path.readlink()), str(path)]
            elif path.is_dir():
                words += ["--ro-bind", str(path), str(path)]
        if PACKAGES.is_dir():
            words += ["--ro-bind", str(PACKAGES), str(PACKAGES)]
        for path in private_files(Path("/etc")):
            mask = ["--tmpfs"] if path.is_dir() else ["--ro-bind", "/dev/null"]
            words += [*mask, str(path)]
        return words

    def _shown(self, paths: Iterable[Path]) -> list[str]:
        """Read-only binds of tools, except for what would show a hidden directory's inside."""
        return _bind(
            "--ro-bind",
            (p for p in paths if not any(p.resolve().is_relative_to(h) for h in self._hide)),
        )


def private_files(root: Path) -> list[Path]:
    """Files and directories below ``root`` that are not for everyone to read, outermost only."""
    found: list[Path] = []
    with contextlib.suppress(OSError):
        for entry in os.scandir(root):
            mode = entry.stat(follow_symlinks=False).st_mode
            if stat.S_ISLNK(mode):
                continue
            if stat.S_ISDIR(mode) and mode & 0o005 == 0o005:
                found += private_files(Path(entry.path))
            elif not mode & 0o004:
                found.append(Path(entry.path))
    return found


def tool_directories(search_path: str) -> list[Path]:
    """The directories behind a ``PATH`` that lie outside the system: ``~/.pyenv`` for its shims, but
    only ``~/.cargo/bin`` and ``~/.local/bin``, whose neighbours are credentials."""
    found: list[Path] = []
    homes = {Path("/root"), *_children(Path("/home")), Path.home()}
    for word in search_path.split(":"):
        path = Path(word)
        if not path.is_absolute() or not path.is_dir() or _is_system(path):
            continue
        root = path.parent if path.name in TOOL_LEAVES else path
        if root in homes or root.name in KEPT_LEAVES or len(root.parts) < 3:
            root = path
        if root not in found and root not in homes and len(root.parts) >= 3:
            found.append(root)
    return found


def _is_system(path: Path) -> bool:
    return len(path.parts) > 1 and path.parts[1] in SYSTEM


def _children(path: Path) -> list[Path]:
    return list(path.iterdir()) if path.is_dir() else []


def _bind(option: str, paths: Iterable[Path]) -> list[str]:
    """Binds at the same place, parents before children so that none covers another."""
    words: list[str] = []
    for path in sorted(set(paths)):
        words += [option, str(path), str(path)]
    return words


def _resolver() -> list[str]:
    """Where ``/etc/resolv.conf`` really is, when that is in ``/run``: without it no name resolves."""
    real = Path("/etc/resolv.conf").resolve()
    if not real.is_file() or _is_system(real):
        return []
    return ["--ro-bind", str(real), str(real)]


async def _undo(starting: asyncio.Future[Running]) -> None:
    with contextlib.suppress(OSError):
        await (await starting).close()


def _init_of(told: int) -> int | None:
    """A handle of the namespace's init, from what bubblewrap tells about itself; None if it is gone."""
    with os.fdopen(told, "rb", closefd=False) as stream:
        said = stream.read()
    with contextlib.suppress(ValueError, KeyError, ProcessLookupError):
        return os.pidfd_open(json.loads(said)["child-pid"])
    return None


@contextlib.contextmanager
def _anonymous_file(words: Sequence[str]) -> Iterator[int]:
    """A file without a name, holding the words as bubblewrap's ``--args`` reads them."""
    descriptor = os.memfd_create("bwrap-args", os.MFD_CLOEXEC)
    try:
        with os.fdopen(descriptor, "wb", closefd=False) as stream:
            stream.write(b"".join(word.encode("utf-8", "replace") + b"\0" for word in words))
        os.lseek(descriptor, 0, os.SEEK_SET)
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _pipe() -> Iterator[tuple[int, int]]:
    """A pipe whose reading end is closed in the end; the writing end is the caller's."""
    reading, writing = os.pipe2(os.O_CLOEXEC)
    try:
        yield reading, writing
    finally:
        os.close(reading)
