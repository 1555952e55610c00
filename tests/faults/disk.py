"""A disk of its own for what is to be filled up or made read-only: a file system in memory."""

from __future__ import annotations

import contextlib
import os
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Final

BLOCK: Final = 64 * 1024
_BALLAST: Final = "ballast"


class Disk:
    """Mounted at ``folder`` while the context lasts. Mounting needs root."""

    def __init__(self, folder: Path, megabytes: int) -> None:
        self.folder = folder
        self._megabytes = megabytes

    def __enter__(self) -> Disk:
        self.folder.mkdir(parents=True)
        self._mount("-t", "tmpfs", "-o", f"size={self._megabytes}m,mode=0700", "tmpfs")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Lazily: a process that a failing test has left may have a file open.
        subprocess.run(["umount", "--lazy", str(self.folder)], check=True)

    def fill(self) -> None:
        """Leave no byte free."""
        with (self.folder / _BALLAST).open("ab", buffering=0) as ballast:
            for size in (BLOCK, 4096, 1):
                with contextlib.suppress(OSError):
                    while True:
                        ballast.write(bytes(size))

    def make_room(self) -> None:
        """Give back what `fill` took."""
        (self.folder / _BALLAST).unlink(missing_ok=True)

    def allow_writing(self, allowed: bool) -> None:
        """Make it read-only, or writable again. Nobody may have a file open for writing."""
        self._mount("-o", f"remount,{'rw' if allowed else 'ro'}")

    def _mount(self, *words: str) -> None:
        subprocess.run(["mount", *words, str(self.folder)], check=True)


def can_mount() -> bool:
    """Whether this machine lets us make file systems."""
    if os.geteuid() != 0:
        return False
    tried = subprocess.run(
        ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True
    )
    return tried.returncode == 0
