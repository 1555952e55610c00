"""The person's password: how it is kept, proved and changed.

Only its Argon2 hash is stored. Whoever has it needs no other credential, so guesses are counted
before any work is done for them, and they wait for each other: one costs 64 MiB for a moment.
"""

from __future__ import annotations

import asyncio
import unicodedata
from typing import Final

import structlog
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from lazyaf.domain.errors import Conflict, Forbidden, Invalid
from lazyaf.domain.ports import Clock, Database
from lazyaf.services.attempts import Attempts
from lazyaf.store.settings import get_setting, put_setting
from lazyaf.store.tokens import remove_sessions
from lazyaf.store.tx import Tx

log = structlog.get_logger(__name__)

MIN_LENGTH: Final = 12
MAX_LENGTH: Final = 500
"""Characters. Above it nothing is gained, and hashing would become work that strangers can ask for."""
KEY: Final = "password"

_HASHER: Final = PasswordHasher()  # its defaults are RFC 9106's for machines short of memory


class Password:
    """The one password, if there is one. `load` before anything else."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._attempts = Attempts(clock.monotonic)
        self._turn = asyncio.Lock()
        self._hash: str | None = None

    async def load(self) -> None:
        """Read whether there is one."""
        self._hash = await self._db.read(read_hash)

    @property
    def is_set(self) -> bool:
        """Whether one can sign in with it."""
        return self._hash is not None

    async def prove(self, password: str, address: str) -> None:
        """Return if this is the password; ``address`` is who says so.

        Raises `Forbidden` ``wrong_password`` if not, `TooManyAttempts` when it was tried too often, and
        `Conflict` ``no_password`` when there is none.
        """
        stored = self._hash
        if stored is None:
            raise Conflict(
                "This server has no password. Set one with `lazyaf password set` where it runs, or "
                "sign in with the link of `lazyaf open`.",
                code="no_password",
            )
        self._attempts.spend(address)
        async with self._turn:
            stored = self._hash or stored  # it may have been changed while we waited
            if not await asyncio.to_thread(_matches, stored, password):
                log.warning("wrong_password", address=address)
                raise Forbidden("This is not the password.", code="wrong_password")
            self._attempts.forgive(address)
            if _HASHER.check_needs_rehash(stored):
                await self._keep(await asyncio.to_thread(hash_password, password))

    async def is_this(self, password: str) -> bool:
        """Whether this is the password, asked by the server's own settings and not by a stranger."""
        stored = self._hash
        return stored is not None and await asyncio.to_thread(_matches, stored, password)

    async def change(self, password: str) -> None:
        """Set the password; it ends every session. Raises `Invalid` for one that is too weak."""
        require_strong(password)
        async with self._turn:
            hashed = await asyncio.to_thread(hash_password, password)
            await self._db.write(store_password, hashed)
            self._hash = hashed

    async def _keep(self, hashed: str) -> None:
        await self._db.write(put_setting, KEY, hashed)
        self._hash = hashed


def require_strong(password: str) -> None:
    """`Invalid` for a password that is too short, or absurdly long."""
    if len(password) < MIN_LENGTH:
        raise Invalid.field(
            "password",
            f"A password has at least {MIN_LENGTH} characters. Four random words are a good one.",
        )
    if len(password) > MAX_LENGTH:
        raise Invalid.field("password", f"A password has at most {MAX_LENGTH} characters.")


def hash_password(password: str) -> str:
    """Argon2id with a salt of its own. Blocking, a tenth of a second or more."""
    return _HASHER.hash(_normal(password))


def _matches(stored: str, password: str) -> bool:
    try:
        return _HASHER.verify(stored, _normal(password))
    except (VerificationError, InvalidHashError):
        return False


def _normal(password: str) -> str:
    """The same characters however the keyboard composed them (RFC 8265, section 4.2)."""
    return unicodedata.normalize("NFC", password)


def read_hash(tx: Tx) -> str | None:
    """The stored hash, if there is a password."""
    found: str | None = get_setting(tx, KEY)
    return found


def store_password(tx: Tx, hashed: str) -> None:
    """Keep a new password's hash and end every session that the old one began."""
    put_setting(tx, KEY, hashed)
    remove_sessions(tx)
