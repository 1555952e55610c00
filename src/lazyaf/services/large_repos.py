"""Which repositories are so large that a container had better bring their objects along (ADR 45), and their
objects for that.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from typing import Final

from lazyaf.git.bundle import bundle
from lazyaf.git.condition import size
from lazyaf.git.storage import Storage

LOOK_EVERY_S: Final = 60.0


class LargeRepos:
    """Those of ``least`` bytes or more, None: of none. A repository is looked at once a minute."""

    def __init__(self, git: Storage, least: int | None, monotonic: Callable[[], float]) -> None:
        self._git = git
        self._least = least
        self._monotonic = monotonic
        self._looked: dict[str, tuple[float, int]] = {}

    async def among(self, repo_ids: Iterable[str]) -> Mapping[str, int]:
        """Bytes in git of those of these that are large."""
        least = self._least
        if least is None:
            return {}
        sizes = {each: await self._size(each) for each in repo_ids}
        return {each: found for each, found in sizes.items() if found >= least}

    async def _size(self, repo_id: str) -> int:
        now = self._monotonic()
        looked, found = self._looked.get(repo_id, (None, 0))
        if looked is None or now - looked > LOOK_EVERY_S:
            found = await asyncio.to_thread(size, self._git.path(repo_id))
            self._looked[repo_id] = now, found
        return found

    async def all(self) -> set[str]:
        """Those that could be large; none where none is."""
        return set() if self._least is None else set(await asyncio.to_thread(self._git.ids))

    def bundle(self, repo_id: str) -> AsyncGenerator[bytes, None]:
        """Its branches and tags (`lazyaf.git.bundle`)."""
        return bundle(self._git, repo_id)
