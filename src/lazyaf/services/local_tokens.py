"""The tokens that this machine's own programs read from files: the command line's and the local
runners'. A revoked one is replaced at once, or the next start would make it good again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final, Literal

from lazyaf.domain.ports import Clock, Database
from lazyaf.services.tokens import ensure_token, fresh_secret
from lazyaf.system import read_or_make_secret, write_private

LocalKind = Literal["person", "runner"]
NAMES: Final[dict[LocalKind, str]] = {"person": "This machine", "runner": "Local runners"}


class LocalTokens:
    """One token of each kind, in the file that ``files`` names. `load` before anything else."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        new_id: Callable[[], str],
        files: dict[LocalKind, Path],
    ) -> None:
        self._db = db
        self._clock = clock
        self._new_id = new_id
        self._files = files
        self._ids: dict[LocalKind, str] = {}

    async def load(self) -> None:
        """Read the files, making what is missing, and see that the database knows their tokens."""
        for kind, path in self._files.items():
            await self._ensure(kind, read_or_make_secret(path, partial(fresh_secret, kind)))

    def is_machine(self, token_id: str) -> bool:
        """Whether this is the token of whoever can read the data directory."""
        return token_id == self._ids.get("person")

    async def renew(self, token_id: str) -> None:
        """After this token was revoked: if it is one of these, make another in its place."""
        for kind, known in list(self._ids.items()):
            if known == token_id:
                secret = fresh_secret(kind)
                await asyncio.to_thread(write_private, self._files[kind], f"{secret}\n")
                await self._ensure(kind, secret)

    async def _ensure(self, kind: LocalKind, secret: str) -> None:
        self._ids[kind] = await self._db.write(
            ensure_token, self._new_id(), kind, NAMES[kind], secret, self._clock.now()
        )
