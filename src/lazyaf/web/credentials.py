"""Recognises tokens without asking the database each time, and keeps the one-time codes.

A token row is remembered for as long as the process lives or until one is revoked: there is one
server process per data directory (rules.md R18), so nobody else can revoke it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from lazyaf.domain.errors import Unauthenticated
from lazyaf.domain.ports import Clock, Database
from lazyaf.services.tokens import (
    GitGrant,
    KnownToken,
    authenticate,
    authenticate_git,
    fresh_secret,
    make_token,
    note_use,
    revoke_token,
)

CODE_TTL_S: Final = 15 * 60
NOTE_USE_EVERY_S: Final = 60.0
CACHE_MAX: Final = 4096
ORPHANS_FOR: Final = timedelta(days=7)
"""How long the credential of an attempt that is over may still leave its work (rules.md R7)."""


class Credentials:
    """Tokens, git passwords and one-time codes."""

    def __init__(self, db: Database, clock: Clock, new_id: Callable[[], str]) -> None:
        self._db = db
        self._clock = clock
        self._new_id = new_id
        self._known: dict[str, KnownToken] = {}
        self._noted: dict[str, float] = {}
        self._codes: dict[str, float] = {}

    async def token(self, text: str) -> KnownToken:
        """The token with this text, or `Unauthenticated`."""
        known = self._known.get(text)
        if known is None:
            cache = self._known
            known = await self._db.read(authenticate, text)
            if len(cache) >= CACHE_MAX:
                cache.clear()
            cache[text] = known  # if one was revoked meanwhile, this cache is not in use any more
        await self._note(known.id)
        return known

    async def _note(self, token_id: str) -> None:
        now = self._clock.monotonic()
        last = self._noted.get(token_id)
        if last is None or now - last > NOTE_USE_EVERY_S:
            self._noted[token_id] = now
            await self._db.write(note_use, token_id, self._clock.now())

    async def git(self, password: str) -> GitGrant:
        """What a git password is good for. Never remembered: a lease can end at any time."""
        ended_after = (datetime.fromisoformat(self._clock.now()) - ORPHANS_FOR).isoformat()
        return await self._db.read(authenticate_git, password, ended_after)

    async def revoke(self, token_id: str) -> None:
        """Make a token useless, here and now."""
        await self._db.write(revoke_token, token_id)
        self._known = {}

    def new_code(self) -> str:
        """A one-time code, good for a quarter of an hour."""
        now = self._clock.monotonic()
        self._codes = {code: end for code, end in self._codes.items() if end > now}
        code = secrets.token_urlsafe(24)
        self._codes[code] = now + CODE_TTL_S
        return code

    async def exchange(self, code: str) -> str:
        """A browser's own token for a one-time code, which is used up by it."""
        end = self._codes.pop(code, None)
        if end is None or end < self._clock.monotonic():
            raise Unauthenticated(
                "This link was used already or is too old. Run `lazyaf open` for a new one."
            )
        secret = fresh_secret("person")
        now = self._clock.now()
        name = f"Browser, {now[:10]}"
        await self._db.write(make_token, self._new_id(), "person", name, secret, now)
        return secret
