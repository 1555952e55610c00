"""Recognises tokens without asking the database each time; begins and ends what they stand for.

A token row is remembered for as long as the process lives or until one is revoked: there is one
server process per data directory (rules.md R18), so nobody else can revoke it.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from lazyaf.domain.errors import Invalid, Unauthenticated
from lazyaf.domain.ports import Clock, Database
from lazyaf.services.local_tokens import LocalTokens
from lazyaf.services.password import Password
from lazyaf.services.tokens import (
    GitGrant,
    KnownToken,
    authenticate,
    authenticate_git,
    begin_session,
    fresh_secret,
    is_over,
    note_use,
    revoke_token,
    unknown_token,
)

log = structlog.get_logger(__name__)

CODE_TTL_S: Final = 15 * 60
NOTE_USE_EVERY_S: Final = 60.0
LOOK_AGAIN_S: Final = 60.0
"""How long an expiry is waited for at most: the machine may sleep, and its clock be put right."""
CACHE_MAX: Final = 4096
ORPHANS_FOR: Final = timedelta(days=7)
"""How long the credential of an attempt that is over may still leave its work (rules.md R7)."""


class Credentials:
    """Tokens, sessions, git passwords and one-time codes.

    ``session`` is how long a browser that is not used stays signed in; ``local`` are the tokens of this
    machine's own programs.
    """

    def __init__(
        self,
        db: Database,
        clock: Clock,
        new_id: Callable[[], str],
        *,
        password: Password,
        session: timedelta,
        local: LocalTokens,
    ) -> None:
        self.password = password
        self._db = db
        self._clock = clock
        self._new_id = new_id
        self._session = session
        self._local = local
        self._known: dict[str, KnownToken] = {}
        self._noted: dict[str, float] = {}
        self._codes: dict[str, float] = {}
        self._revoked = asyncio.Event()

    async def token(self, text: str) -> KnownToken:
        """The token with this text, or `Unauthenticated`. It counts as a use."""
        return await self._note(text, await self._recognise(text))

    async def _recognise(self, text: str) -> KnownToken:
        known = self._known.get(text)
        if known is None:
            cache = self._known
            known = await self._db.read(authenticate, text, self._clock.now())
            if len(cache) >= CACHE_MAX:
                cache.clear()
            cache[text] = known  # if one was revoked meanwhile, this cache is not in use any more
        elif known.expires_at is not None and is_over(known, self._clock.now()):
            raise unknown_token()
        return known

    async def _note(self, text: str, known: KnownToken) -> KnownToken:
        now = self._clock.monotonic()
        last = self._noted.get(known.id)
        if last is not None and now - last <= NOTE_USE_EVERY_S:
            return known
        self._noted[known.id] = now
        cache = self._known
        if known.kind == "session":
            known = replace(known, expires_at=self._end_of_session())
        await self._db.write(note_use, known.id, self._clock.now(), known.expires_at)
        cache[text] = known
        return known

    def _end_of_session(self) -> str:
        return _later(self._clock.now(), self._session)

    async def is_good(self, text: str) -> bool:
        """Whether the token with this text would be recognised now; this is no use of it."""
        try:
            await self._recognise(text)
        except Unauthenticated:
            return False
        return True

    async def ended(self, text: str) -> None:
        """Return once the token with this text is good no more: revoked, or its time has passed."""
        while True:
            revoked = self._revoked  # taken before looking, so that none is missed
            try:
                known = await self._recognise(text)
            except Unauthenticated:
                return
            left = LOOK_AGAIN_S
            if known.expires_at is not None:
                left = min(left, _seconds(self._clock.now(), known.expires_at))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(revoked.wait(), left)

    async def git(self, password: str) -> GitGrant:
        """What a git password is good for. Never remembered: a lease can end at any time."""
        ended_after = (datetime.fromisoformat(self._clock.now()) - ORPHANS_FOR).isoformat()
        return await self._db.read(authenticate_git, password, ended_after)

    async def revoke(self, token_id: str) -> None:
        """Make a token useless, here and now. One of this machine's own is replaced."""
        await self._db.write(revoke_token, token_id)
        self._forget()
        await self._local.renew(token_id)

    def _forget(self) -> None:
        self._known = {}
        self._revoked.set()
        self._revoked = asyncio.Event()

    def new_code(self) -> str:
        """A one-time code, good for a quarter of an hour."""
        now = self._clock.monotonic()
        self._codes = {code: end for code, end in self._codes.items() if end > now}
        code = secrets.token_urlsafe(24)
        self._codes[code] = now + CODE_TTL_S
        return code

    async def exchange(self, code: str, browser: str) -> str:
        """A session of this browser for a one-time code, which is used up by it."""
        end = self._codes.pop(code, None)
        if end is None or end < self._clock.monotonic():
            raise Unauthenticated(
                "This link was used already or is too old. Run `lazyaf open` for a new one."
            )
        return await self._begin(browser)

    async def login(self, password: str, address: str, browser: str) -> str:
        """A session for the password. Raises what `Password.prove` does."""
        await self.password.prove(password, address)
        return await self._begin(browser)

    async def _begin(self, browser: str) -> str:
        secret, now = fresh_secret("session"), self._clock.now()
        end = self._end_of_session()
        await self._db.write(begin_session, self._new_id(), browser, secret, now, end)
        return secret

    async def logout(self, known: KnownToken) -> None:
        """End a session. Other tokens stay: a browser may have borrowed one that others use."""
        if known.kind == "session":
            await self.revoke(known.id)

    async def change_password(
        self, password: str, current: str | None, caller: KnownToken | None, address: str
    ) -> None:
        """Set the password and end all sessions. Who has one proves it first, unless they use this
        machine's own token: they could as well stop the server and set it in its files."""
        is_machine = caller is not None and self._local.is_machine(caller.id)
        if self.password.is_set and not is_machine:
            if current is None:
                raise Invalid.field("current", "Give the current password as well.")
            await self.password.prove(current, address)
        await self.password.change(password)
        self._forget()
        log.info("password_changed", address=address)


def _later(now: str, by: timedelta) -> str:
    """As `lazyaf.domain.ports.Clock.now` writes it, so that texts compare as times do."""
    end = datetime.fromisoformat(now) + by
    return end.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _seconds(now: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(now)).total_seconds()
